/** Shows openapi.json and lets every route be tried. No text of an answer is ever taken for HTML. */
const byId = (id) => document.getElementById(id);

function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

/** An example of what a schema describes. */
function exampleOf(schema, depth = 0) {
  if (!schema || depth > 6) return null;
  if ('default' in schema) return schema.default;
  if ('const' in schema) return schema.const;
  if (schema.enum) return schema.enum[0];
  const alternatives = schema.anyOf ?? schema.oneOf;
  if (alternatives) return exampleOf(alternatives[0], depth + 1);
  if (schema.type === 'object') {
    const required = new Set(schema.required ?? []);
    const fields = Object.entries(schema.properties ?? {}).filter(([name]) => required.has(name));
    return Object.fromEntries(fields.map(([name, inner]) => [name, exampleOf(inner, depth + 1)]));
  }
  if (schema.type === 'array') return [];
  if (schema.type === 'integer' || schema.type === 'number') return schema.minimum ?? 0;
  return schema.type === 'boolean' ? false : '';
}

function field(label, input) {
  return element('label', {}, label, input);
}

async function send({ path, method }, inputs, bodyBox, output) {
  output.textContent = '…';
  let url = path;
  const query = new URLSearchParams();
  for (const [parameter, input] of inputs) {
    if (input.value === '') continue;
    if (parameter.in === 'path') url = url.replace(`{${parameter.name}}`, encodeURIComponent(input.value));
    else query.set(parameter.name, input.value);
  }
  const token = byId('token').value.trim();
  const headers = { ...(token ? { authorization: `Bearer ${token}` } : {}) };
  if (bodyBox) headers['content-type'] = 'application/json';
  const started = performance.now();
  try {
    const answer = await fetch(query.size > 0 ? `${url}?${query}` : url, {
      method: method.toUpperCase(),
      headers,
      ...(bodyBox ? { body: bodyBox.value } : {}),
    });
    const text = await answer.text();
    let shown = text;
    try {
      shown = JSON.stringify(JSON.parse(text), null, 2);
    } catch {
      // Not JSON: shown as it is.
    }
    output.textContent = `${answer.status} ${answer.statusText}, ${Math.round(performance.now() - started)} ms\n\n${shown.slice(0, 100_000)}`;
  } catch (error) {
    output.textContent = String(error);
  }
}

function routeOf(path, method, operation) {
  const inputs = (operation.parameters ?? [])
    .filter((one) => one.in === 'path' || one.in === 'query')
    .map((parameter) => [parameter, element('input', { type: 'text' })]);
  const schema = operation.requestBody?.content?.['application/json']?.schema;
  const bodyBox = schema
    ? element('textarea', { rows: 8, value: JSON.stringify(exampleOf(schema), null, 2) })
    : null;
  const output = element('pre', { hidden: true });
  const button = element('button', { type: 'button', textContent: 'Send' });
  button.addEventListener('click', () => {
    output.hidden = false;
    void send({ path, method }, inputs, bodyBox, output);
  });
  const details = element(
    'details',
    {},
    element(
      'summary',
      {},
      element('span', { className: 'method', textContent: method.toUpperCase() }),
      element('code', { textContent: path }),
      ` ${operation.summary ?? ''}`,
    ),
    element('p', { className: 'needs', textContent: operation.description ?? '' }),
    ...inputs.map(([parameter, input]) =>
      field(`${parameter.name}${parameter.required ? '' : ' (optional)'}`, input),
    ),
    ...(bodyBox ? [field('Body', bodyBox)] : []),
    button,
    output,
  );
  details.dataset.text = `${method} ${path} ${operation.summary ?? ''}`.toLowerCase();
  return details;
}

const description = await (await fetch('/api/openapi.json')).json();
byId('about').textContent = `${description.info.version ?? ''} ${description.info.description ?? ''}`;
const routes = byId('routes');
routes.replaceChildren();
for (const tag of description.tags ?? []) {
  const own = Object.entries(description.paths ?? {}).flatMap(([path, methods]) =>
    Object.entries(methods)
      .filter(([, operation]) => (operation.tags ?? []).includes(tag.name))
      .map(([method, operation]) => routeOf(path, method, operation)),
  );
  if (own.length > 0)
    routes.append(element('h2', { textContent: `${tag.name}: ${tag.description ?? ''}` }), ...own);
}
byId('filter').addEventListener('input', (event) => {
  const wanted = event.target.value.toLowerCase();
  for (const one of routes.querySelectorAll('details')) one.hidden = !one.dataset.text.includes(wanted);
});
