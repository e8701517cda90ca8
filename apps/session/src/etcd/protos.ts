import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type PackageDefinition, loadSync } from '@grpc/proto-loader';

/** The packages of what is served and of what is refused by name. */
export const PACKAGES = ['etcdserverpb', 'v3lockpb', 'v3electionpb'];

const FILES = ['rpc.proto', 'v3lock.proto', 'v3election.proto'];

/** The definitions in libs/etcd/proto. 64 bits do not fit in a number of JavaScript, so they are text here. */
export function loadProtos(): PackageDefinition {
  return loadSync(FILES, {
    includeDirs: [folder()],
    ...{ keepCase: true, defaults: true, oneofs: true },
    ...{ longs: String, enums: String, bytes: Buffer },
  });
}

/** Beside what is compiled where the build has put them there, else in the checkout. */
function folder(): string {
  for (let at = dirname(fileURLToPath(import.meta.url)); ; at = dirname(at)) {
    const found = join(at, 'libs/etcd/proto');
    if (existsSync(join(found, FILES[0]!))) return found;
    if (at === dirname(at)) throw new Error('The definitions of etcd are missing: libs/etcd/proto.');
  }
}
