import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const FOLDER = fileURLToPath(new URL('../java/netflix-eureka/', import.meta.url));
const LEAST_JAVA = 11;
const CLIENT = 'com/netflix/eureka/eureka-client/1.10.18/eureka-client-1.10.18.pom';
const REACH_MS = 10_000;

/** Why Netflix's client cannot be tested here; undefined where it can. Its packages are fetched the first time, if they can be. */
export function lacksJava(): string | undefined {
  const { error, stderr } = spawnSync('java', ['-version'], { encoding: 'utf8' });
  if (error) return 'Java is not installed';
  const major = Number(/version "(\d+)/.exec(stderr)?.[1]);
  if (!(major >= LEAST_JAVA)) return `Java ${LEAST_JAVA} is needed`;
  if (spawnSync('javac', ['-version']).error) return 'there is no compiler of Java';
  if (spawnSync('mvn', ['-version']).error) return 'Maven is not installed';
  if (existsSync(join(homedir(), '.m2/repository', CLIENT))) return undefined;
  const url = `https://repo.maven.apache.org/maven2/${CLIENT}`;
  const probe = `fetch('${url}', { method: 'HEAD' }).then(({ ok }) => process.exit(ok ? 0 : 1))`;
  const { status } = spawnSync(process.execPath, ['-e', probe], { timeout: REACH_MS });
  return status === 0 ? undefined : 'the packages of Maven cannot be reached';
}

/** An instance of an application, and where its client registers and looks. */
export interface JavaInstance {
  host: string;
  servers: readonly string[];
}

/** Instances of one application in one Java process, each with a `DiscoveryClient` of Netflix, as it is. */
export class EurekaNetflix {
  /** By instance: the hosts of its application that it knows, each time these have changed. */
  readonly shown: string[][][];
  /** What its library had to complain of. */
  readonly complaints: string[] = [];
  private child: ChildProcess | undefined;

  constructor(
    private readonly app: string,
    private readonly instances: readonly JavaInstance[],
  ) {
    this.shown = instances.map(() => []);
  }

  static async compile(): Promise<void> {
    const goals = ['compile', 'dependency:build-classpath'];
    const child = spawn('nice', ['mvn', '-q', '-B', ...goals, '-Dmdep.outputFile=target/classpath'], {
      ...{ cwd: FOLDER, stdio: ['ignore', 'pipe', 'pipe'] },
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream!.on('data', (chunk) => (output += String(chunk)));
    const [code] = (await once(child, 'close')) as [number];
    if (code !== 0) throw new Error(`Maven ended with ${code}:\n${output}`);
  }

  start(): void {
    const classpath = `${FOLDER}target/classes:${readFileSync(`${FOLDER}target/classpath`, 'utf8').trim()}`;
    const instances = this.instances.flatMap(({ host, servers }) => [
      host,
      servers.map((server) => `${server}/eureka/v2/`).join(','),
    ]);
    const child = spawn('java', ['-Xmx256m', '-cp', classpath, 'rollcall.Instances', this.app, ...instances], {
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    createInterface(child.stdout).on('line', (line) => {
      const [number, hosts = ''] = line.split(' ');
      this.shown[Number(number)]!.push(hosts === '' ? [] : hosts.split(','));
    });
    createInterface(child.stderr).on('line', (line) => this.complaints.push(line));
    this.child = child;
  }

  /** Shuts one client down, which cancels its registration. */
  stopOne(number: number): void {
    this.child!.stdin!.write(`stop ${number}\n`);
  }

  async stop(): Promise<void> {
    if (!this.child || this.child.exitCode !== null) return;
    const ended = once(this.child, 'close');
    this.child.stdin!.end();
    await ended;
  }
}
