import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { promisify } from 'node:util';
import { portsFrom } from '../cluster.js';

/** Whether something listens on a port of this machine. */
export async function isListening(port: number): Promise<boolean> {
  const socket = connect({ port, host: '127.0.0.1' });
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

/** Ports of this machine that nobody holds, below those that connections are given. */
export async function freePorts(count: number): Promise<number[]> {
  const next = portsFrom(0);
  const ports: number[] = [];
  while (ports.length < count) ports.push(await next());
  return ports;
}

/** What a program says of its version; the first match of the pattern. */
export async function versionOf(command: string, args: readonly string[], pattern = /\d+\.\d+\.\d+/): Promise<string> {
  const { stdout, stderr } = await promisify(execFile)(command, args);
  return pattern.exec(stdout + stderr)?.[0] ?? 'unknown';
}

/** What of the memory of a process is in use and not swapped out; NaN where the system has no /proc. */
export function residentBytesOf(pid: number): number {
  try {
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024;
  } catch {
    return NaN;
  }
}

/** In the kernel's statistics times are in ticks, of which Linux has 100 a second. */
const TICK_MS = 10;

/** Processor time that a process has used, of all its threads; NaN where the system has no /proc. */
export function cpuMsOf(pid: number): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The second field is the name, in parentheses, and may contain anything.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
  } catch {
    return NaN;
  }
}
