// Parsed by whatever Node is there, so it uses nothing that Node 12 does not know: no `?.`, no `node:` imports.

/** The oldest Node that Rollcall runs on, as in `engines` of package.json. */
var LEAST = [20, 19];

/** True when this Node will do; otherwise says in one line what is needed. */
export function nodeIsSupported() {
  var parts = process.versions.node.split('.').map(Number);
  if (parts[0] > LEAST[0] || (parts[0] === LEAST[0] && parts[1] >= LEAST[1])) return true;
  console.error(
    'rollcall: Node ' +
      LEAST.join('.') +
      ' or newer is needed, this is ' +
      process.versions.node +
      ': install a newer one from https://nodejs.org',
  );
  process.exitCode = 1;
  return false;
}
