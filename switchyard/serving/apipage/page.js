"use strict";

const form = document.querySelector("form");
const field = document.querySelector("#token");
const problem = document.querySelector("#problem");

// The description is for holders of a token, who alone learn the columns; it is tried without one for doors that ask for none.
async function read(token) {
  const headers = token ? { Authorization: `Bearer ${token}` } : {};
  const answer = await fetch("seldon.json", { headers, cache: "no-store" });
  const body = await answer.json();
  if (answer.ok) return body;
  if (token || answer.status !== 401) problem.textContent = body.status.info;
  form.hidden = false;
  field.focus();
  return null;
}

async function show(token) {
  problem.textContent = "";
  let spec;
  try {
    spec = await read(token);
  } catch (error) {
    form.hidden = false;
    problem.textContent = `the service can't be reached: ${error.message}`;
  }
  if (!spec) return;
  form.hidden = true;
  field.value = "";
  document.title = `${spec.info.title} ${spec.info.version}`;
  // Below a model's name at the address of all models; the service itself does not know what stands in front of it.
  spec.servers = [{ url: new URL(".", location.href).href.replace(/\/$/, "") }];
  const ui = SwaggerUIBundle({
    spec,
    dom_id: "#api",
    validatorUrl: null,
    tryItOutEnabled: true,
    onComplete: () => token && ui.preauthorizeApiKey("bearerAuth", token),
  });
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  show(field.value.trim());
});
show("");
