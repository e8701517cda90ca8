import { readdir } from 'node:fs/promises';
import { RequestMethod } from '@nestjs/common';

export type Tier = 'meta' | 'data' | 'session';

const APPS = new URL('../../apps/', import.meta.url);

interface Handler {
  controller: object;
  handler: object;
}

/** Every route that the controllers of a tier have, such as `DELETE /v1/raft/members/:node`. */
export async function routesOf(tier: Tier): Promise<string[]> {
  return (await handlersOf(tier, 'http')).map(({ controller, handler }) => {
    const path = [controller, handler].map((target) => Reflect.getMetadata('path', target) as string);
    const method = RequestMethod[Reflect.getMetadata('method', handler) as number];
    return `${method} /${path
      .map((part) => part.replace(/^\/|\/$/g, ''))
      .filter(Boolean)
      .join('/')}`;
  });
}

/** Every RPC pattern that the controllers of a tier have. */
export async function patternsOf(tier: Tier): Promise<string[]> {
  const handlers = await handlersOf(tier, 'rpc');
  return handlers.flatMap(({ handler }) => Reflect.getMetadata('microservices:pattern', handler) as string[]);
}

/** Read from the files, so that no list can lack a new one. */
async function handlersOf(tier: Tier, kind: 'http' | 'rpc'): Promise<Handler[]> {
  const folder = new URL(`${tier}/src/${kind}/`, APPS);
  const files = await readdir(folder).catch(() => []);
  const found: Handler[] = [];
  const key = kind === 'http' ? 'method' : 'microservices:pattern';
  for (const file of files.filter((name) => name.endsWith('.controller.ts'))) {
    const module = (await import(new URL(file, folder).href)) as Record<string, unknown>;
    for (const controller of Object.values(module)) {
      if (typeof controller !== 'function') continue;
      const methods = Object.getOwnPropertyDescriptors((controller.prototype ?? {}) as Record<string, unknown>);
      for (const { value } of Object.values(methods))
        if (typeof value === 'function' && Reflect.hasMetadata(key, value)) found.push({ controller, handler: value });
    }
  }
  return found;
}
