"""Centers and their crew: who there is, what each may do, and how they are invited, changed and locked out."""
