import { execFileSync } from 'node:child_process';

const NETWORK = '198.18.0';
/** Nobody has this one, so what is sent to it reaches nobody. */
const NOBODY_MAC = '02:00:00:00:00:ff';

/**
 * Hosts of one network, each a network namespace of this run, behind one bridge that is in a namespace of its own: no
 * interface of the machine is touched. The addresses are those that RFC 2544 sets aside for such tests. What is cut is
 * cut without a word, as by a switch that drops packets: nothing is refused, no connection is reset.
 */
export class Hosts {
  private readonly hub: string;
  private readonly addresses = new Map<string, string>();
  private readonly macs = new Map<string, string>();

  /** Why there can be none here; undefined where there can. */
  static whyNot(): string | undefined {
    if (process.platform !== 'linux') return 'network namespaces are a thing of Linux';
    if (process.getuid?.() !== 0) return 'only root may make network namespaces';
    const name = `rollcall-${process.pid}-try`;
    try {
      ip('netns', 'add', name);
    } catch (error) {
      return `no network namespace can be made: ${(error as Error).message.trim()}`;
    }
    try {
      ip('-n', name, 'link', 'add', 'try0', 'type', 'bridge');
      ip('-n', name, 'link', 'add', 'try1', 'type', 'veth', 'peer', 'name', 'try2');
      return undefined;
    } catch (error) {
      return `a namespace can have neither bridge nor cable: ${(error as Error).message.trim()}`;
    } finally {
      ip('netns', 'del', name);
    }
  }

  constructor(private readonly names: readonly string[]) {
    this.hub = this.namespace('hub');
    process.once('exit', this.closeAtExit);
    try {
      ip('netns', 'add', this.hub);
      ip('-n', this.hub, 'link', 'add', 'bridge', 'type', 'bridge');
      ip('-n', this.hub, 'link', 'set', 'bridge', 'up');
      for (const [index, name] of names.entries()) this.plug(name, index + 1);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** So that nothing outlives the run that made it, if that ends before its time. */
  private readonly closeAtExit = (): void => this.close();

  namespace(host: string): string {
    return `rollcall-${process.pid}-${host}`;
  }

  addressOf(host: string): string {
    return this.addresses.get(host)!;
  }

  /** No packet of these gets to any of those; the other way they still do. */
  cutOneWay(from: readonly string[], to: readonly string[]): void {
    for (const source of from) for (const target of to) if (source !== target) this.route(source, target, NOBODY_MAC);
  }

  cut(one: readonly string[], other: readonly string[]): void {
    this.cutOneWay(one, other);
    this.cutOneWay(other, one);
  }

  /** From all others, and from each other, as if their machines had vanished. */
  isolate(...hosts: string[]): void {
    this.cut(hosts, this.names);
  }

  /** Among these nothing is cut any more. */
  join(hosts: readonly string[]): void {
    for (const source of hosts)
      for (const target of hosts) if (source !== target) this.route(source, target, this.macs.get(target)!);
  }

  heal(): void {
    this.join(this.names);
  }

  /** Also ends whatever still runs in them, since a namespace lives as long as its processes. */
  close(): void {
    process.off('exit', this.closeAtExit);
    for (const name of [...this.names, 'hub']) {
      const namespace = this.namespace(name);
      try {
        for (const pid of ip('netns', 'pids', namespace).split('\n').filter(Boolean))
          process.kill(Number(pid), 'SIGKILL');
      } catch {
        // It has ended meanwhile, or was never made.
      }
      try {
        ip('netns', 'del', namespace);
      } catch {
        // It was never made.
      }
    }
  }

  private plug(name: string, number: number): void {
    const namespace = this.namespace(name);
    const mac = `02:00:00:00:00:${number.toString(16).padStart(2, '0')}`;
    const address = `${NETWORK}.${number}`;
    this.addresses.set(name, address);
    this.macs.set(name, mac);
    ip('netns', 'add', namespace);
    const cable = ['type', 'veth', 'peer', 'name', 'eth0', 'address', mac, 'netns', namespace];
    ip('-n', this.hub, 'link', 'add', `port${number}`, ...cable);
    ip('-n', this.hub, 'link', 'set', `port${number}`, 'master', 'bridge', 'up');
    ip('-n', namespace, 'addr', 'add', `${address}/24`, 'dev', 'eth0');
    ip('-n', namespace, 'link', 'set', 'lo', 'up');
    ip('-n', namespace, 'link', 'set', 'eth0', 'up');
  }

  private route(source: string, target: string, mac: string): void {
    const address = this.addressOf(target);
    ip('-n', this.namespace(source), 'neigh', 'replace', address, 'lladdr', mac, 'dev', 'eth0', 'nud', 'permanent');
  }
}

function ip(...args: string[]): string {
  return execFileSync('ip', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}
