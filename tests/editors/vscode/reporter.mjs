// What `node --test` found out, one JSON object a line, for conftest.py: name, passed, reason of a skip or failure.
export default async function* report(source) {
  for await (const { type, data } of source) {
    if ((type === "test:pass" || type === "test:fail") && data.nesting === 0) {
      const error = data.details?.error;
      const skipped = data.skip === undefined ? null : String(data.skip);
      const reason = error ? (error.cause?.stack ?? error.cause ?? error.stack ?? error) : "";
      yield `${JSON.stringify({ name: data.name, passed: type === "test:pass", skipped, reason: String(reason) })}\n`;
    }
  }
}
