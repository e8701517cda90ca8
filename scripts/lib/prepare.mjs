import { pathToFileURL } from 'node:url';
import { build, isBuilt } from './build.mjs';
import { StepFailed, releaseSignals, stopOnSignals } from './child.mjs';
import { install, isInstalled } from './install.mjs';
import { at } from './paths.mjs';

/** Installs what is missing and builds what has changed; silent when there is nothing to do. Ends the process when it fails. */
export async function prepare() {
  stopOnSignals();
  try {
    if (!isInstalled()) {
      console.error('rollcall: installing packages ...');
      await install({ show: true });
    }
    if (!isBuilt()) {
      console.error('rollcall: building ...');
      await build();
    }
  } catch (error) {
    if (!(error instanceof StepFailed)) throw error;
    console.error(`${error.output}rollcall: that failed: ${error.message}`);
    process.exit(1);
  }
  // From here on the signals belong to what runs next, which closes cleanly.
  releaseSignals();
}

/** Prepares, and then runs a built module, such as `apps/meta/src/main.js`, in this process. */
export async function prepareAndRun(module) {
  await prepare();
  await import(pathToFileURL(at('dist', module)).href);
}
