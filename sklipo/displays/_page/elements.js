// Elements of the page: found, made and announced.

export function find(id) {
  return document.getElementById(id);
}

// make("td", {className: "number"}, "text", anotherElement)
export function make(tag, properties = {}, ...contents) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name in element) element[name] = value;
    else element.setAttribute(name, value);
  }
  element.append(...contents);
  return element;
}

// Tell people who hear the page what happened.
export function announce(text) {
  find("announcement").textContent = text;
}

export function percent(share) {
  return `${(100 * share).toFixed(1)} %`;
}

export function plural(n, one, several = `${one}s`) {
  return `${n} ${n === 1 ? one : several}`;
}
