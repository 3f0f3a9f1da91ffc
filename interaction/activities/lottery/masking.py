"""Names and phone numbers as everybody may see them. Pure."""

from __future__ import annotations


def name(text: str) -> str:
    """张**: the first character stands for a person, two stars for the rest whatever its length."""
    text = text.strip()
    return f"{text[0]}**" if text else "**"


def phone(text: str) -> str:
    """138****1234; what is shorter than a phone number says nothing at all."""
    digits = "".join(character for character in text if character.isdigit())
    return f"{digits[:3]}****{digits[-4:]}" if len(digits) >= 11 else "****" if text else ""
