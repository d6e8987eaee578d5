"use strict";

/** Makes an element; texts never become markup. */
function element(tag, properties, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

/** The schema behind a reference, with its parts resolved so far as they are named once. */
function resolve(schema, root, depth) {
  if (schema === null || typeof schema !== "object" || depth > 6) {
    return schema;
  }
  if (schema.$ref) {
    const found = schema.$ref.slice(2).split("/").reduce((at, key) => at[key], root);
    return resolve(found, root, depth + 1);
  }
  if (Array.isArray(schema)) {
    return schema.map((part) => resolve(part, root, depth + 1));
  }
  return Object.fromEntries(
    Object.entries(schema).map(([key, part]) => [key, resolve(part, root, depth + 1)]));
}

function content(title, body, root) {
  const parts = [element("h4", {textContent: title})];
  for (const [type, media] of Object.entries(body.content || {})) {
    parts.push(element("p", {}, element("code", {textContent: type})));
    const shown = media.example || resolve(media.schema, root, 0);
    if (shown) {
      parts.push(element("pre", {textContent: JSON.stringify(shown, null, 2)}));
    }
  }
  return parts;
}

function operation(method, path, described, root) {
  const box = element("details", {},
    element("summary", {},
      element("span", {className: "method method-" + method, textContent: method.toUpperCase()}),
      element("code", {textContent: path}),
      " " + (described.summary || "")));
  if (described.description) {
    box.append(element("p", {textContent: described.description}));
  }
  const parameters = (described.parameters || []).map((one) => resolve(one, root, 0));
  if (parameters.length > 0) {
    const table = element("table");
    for (const one of parameters) {
      table.append(element("tr", {},
        element("td", {}, element("code", {textContent: one.name})),
        element("td", {textContent: one.in + (one.required ? ", required" : "")}),
        element("td", {textContent: one.description || ""})));
    }
    box.append(element("h4", {textContent: "Parameters"}), table);
  }
  if (described.requestBody) {
    box.append(...content("Body", described.requestBody, root));
  }
  for (const [status, answer] of Object.entries(described.responses || {})) {
    const found = resolve(answer, root, 0);
    box.append(...content(status + ": " + (found.description || ""), found, root));
  }
  return box;
}

async function show() {
  const root = await (await fetch("/openapi.json")).json();
  document.getElementById("summary").textContent = root.info.description;
  const sections = new Map();
  for (const [path, operations] of Object.entries(root.paths)) {
    for (const [method, described] of Object.entries(operations)) {
      const tag = (described.tags || ["Other"])[0];
      if (!sections.has(tag)) {
        sections.set(tag, element("section", {}, element("h2", {textContent: tag})));
      }
      sections.get(tag).append(operation(method, path, described, root));
    }
  }
  document.getElementById("routes").append(...sections.values());
}

show().catch((problem) => {
  document.getElementById("summary").textContent = "The description cannot be read: " + problem;
});
