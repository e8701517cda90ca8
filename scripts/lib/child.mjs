import { spawn } from 'node:child_process';
import { ROOT } from './paths.mjs';

/** A step that did not succeed. What it printed is in `output`, unless it printed to the terminal itself. */
export class StepFailed extends Error {
  constructor(message, { output = '', exitCode = 1 } = {}) {
    super(message);
    this.output = output;
    this.exitCode = exitCode;
  }
}

const SIGNALS = { SIGINT: 130, SIGTERM: 143 };
const running = new Set();
let stoppedBy;

/** From now on a signal ends the child processes first and then this process, with the exit code shells expect. */
export function stopOnSignals() {
  for (const signal of Object.keys(SIGNALS)) process.on(signal, onSignal);
}

/** Gives the signals back to whoever comes next. */
export function releaseSignals() {
  for (const signal of Object.keys(SIGNALS)) process.off(signal, onSignal);
}

function onSignal(signal) {
  stoppedBy ??= signal;
  if (running.size === 0) process.exit(SIGNALS[stoppedBy]);
  for (const child of running) kill(child, stoppedBy);
  setTimeout(() => {
    for (const child of running) kill(child, 'SIGKILL');
    process.exit(SIGNALS[stoppedBy]);
  }, 5_000).unref();
}

/** A child that leads a process group takes with it what it started in turn. */
function kill({ process: child, group }, signal) {
  try {
    process.kill(group ? -child.pid : child.pid, signal);
  } catch {
    // It has ended already.
  }
}

/**
 * Runs Node with `args` in the checkout. Resolves with what was printed (nothing when `show` lets it print to the
 * terminal), rejects with {@link StepFailed}.
 */
export function runNode(args, options) {
  return run(process.execPath, args, options);
}

export function run(command, args, { show = false, env = {}, timeoutMs } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: ROOT,
      env: { ...process.env, ...env },
      stdio: show ? 'inherit' : ['ignore', 'pipe', 'pipe'],
      // What shares the terminal must stay in its foreground group, or it could not read from it.
      detached: !show,
    });
    const entry = { process: child, group: !show };
    running.add(entry);
    const chunks = [];
    child.stdout?.on('data', (chunk) => chunks.push(chunk));
    child.stderr?.on('data', (chunk) => chunks.push(chunk));
    let timedOut = false;
    const timer =
      timeoutMs &&
      setTimeout(() => {
        timedOut = true;
        kill(entry, 'SIGKILL');
      }, timeoutMs);
    const finish = (message, exitCode) => {
      clearTimeout(timer);
      running.delete(entry);
      if (stoppedBy) process.exit(SIGNALS[stoppedBy]);
      const output = Buffer.concat(chunks).toString();
      if (message === undefined) resolve(output);
      else reject(new StepFailed(message, { output, exitCode }));
    };
    child.once('error', (error) => finish(`${command} cannot be run: ${error.message}`));
    child.once('close', (code, signal) => {
      if (code === 0) finish();
      else if (timedOut) finish(`did not end within ${timeoutMs / 1000} s`);
      else finish(signal ? `was ended by ${signal}` : `exit code ${code}`, code ?? 1);
    });
  });
}
