import { etcd } from './etcd/system.js';
import { floor } from './floor/system.js';
import { nats } from './nats/system.js';
import { redis } from './redis/system.js';
import { rollcall, rollcall3 } from './rollcall/system.js';
import type { System } from './system.js';
import { zookeeper } from './zookeeper/system.js';

export const SYSTEMS: readonly System[] = [floor, rollcall, rollcall3, etcd, nats, zookeeper, redis];

export function systemNamed(name: string): System {
  const found = SYSTEMS.find((system) => system.name === name);
  if (!found) throw new Error(`There is no system ${name}.`);
  return found;
}
