import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { mustGo } from './go.js';

const FOLDER = fileURLToPath(new URL('../../integrations/kitex', import.meta.url));

/** A program of Go that registers and finds services through the extension for Kitex. */
export class KitexDoor {
  private readonly child: ChildProcess;
  private readonly waiting: ((answer: unknown) => void)[] = [];

  /** @param program where {@link build} has put it */
  constructor(program: string, addresses: readonly string[]) {
    this.child = spawn(program, [...addresses], { stdio: ['pipe', 'pipe', 'ignore'] });
    createInterface({ input: this.child.stdout! }).on('line', (line) => this.waiting.shift()?.(JSON.parse(line)));
  }

  static build(program: string): Promise<void> {
    return mustGo(FOLDER, ['build', '-o', program, './internal/door']);
  }

  async register(service: string, address: string): Promise<void> {
    done(await this.ask(`register ${service} ${address}`));
  }

  async deregister(service: string, address: string): Promise<void> {
    done(await this.ask(`deregister ${service} ${address}`));
  }

  /** None where it says that there are none. */
  async find(service: string): Promise<string[]> {
    const found = await this.ask(`find ${service}`);
    return found === `rollcall: nobody serves ${service}` ? [] : listed(found);
  }

  close(): void {
    this.child.kill();
  }

  private ask(line: string): Promise<unknown> {
    return new Promise((resolve) => {
      this.waiting.push(resolve);
      this.child.stdin!.write(`${line}\n`);
    });
  }
}

function done(answer: unknown): void {
  if (answer !== null) throw new Error(String(answer));
}

function listed(answer: unknown): string[] {
  if (!Array.isArray(answer)) throw new Error(String(answer));
  return answer as string[];
}
