// What the server embedded in the page, so that the first picture needs no further question.
export function pageData<T>(): T | null {
  const element = document.getElementById("data");
  return element?.textContent ? (JSON.parse(element.textContent) as T) : null;
}
