import { readFileSync } from 'node:fs';
import { run, runNode } from './child.mjs';
import { at } from './paths.mjs';

/** True when node_modules holds every package of the lock file in its version, which npm itself keeps a record of. */
export function isInstalled() {
  const wanted = packagesOf(at('package-lock.json'));
  const present = packagesOf(at('node_modules/.package-lock.json'));
  if (!wanted || !present) return false;
  return Object.entries(wanted).every(
    ([path, { version, optional, peer }]) =>
      path === '' || optional || (peer && !present[path]) || present[path]?.version === version,
  );
}

function packagesOf(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).packages;
  } catch {
    return undefined;
  }
}

/**
 * Installs what the lock file names, without ever writing it. `npm ci` would be stricter, but refuses a lock file that
 * lacks the optional packages of other platforms. Development packages are always included, whatever NODE_ENV says,
 * because the build needs them.
 */
export async function install({ show }) {
  const args = ['install', '--no-save', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error'];
  const npm = process.env.npm_execpath;
  if (npm && /npm-cli\.c?js$/.test(npm)) await runNode([npm, ...args], { show });
  else await run('npm', args, { show });
}
