import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { FastifyReply } from 'fastify';
import {
  type Application,
  type Applications,
  type Catalogue,
  type Instance,
  applicationJson,
  applicationXml,
  applicationsJson,
  applicationsXml,
  instanceJson,
  instanceXml,
} from '#eureka';

const compress = promisify(gzip);

/** What a client of Eureka reads, as its headers tell. XML is what Eureka answers to who does not say otherwise. */
export interface Reads {
  json: boolean;
  gzip: boolean;
  compact: boolean;
}

/** An answer as bytes, compressed once for all who read that. */
interface Written {
  type: string;
  body: string;
  compressed?: Promise<Buffer>;
}

export function readsOf(headers: Readonly<Record<string, unknown>>): Reads {
  const header = (name: string): string => String(headers[name] ?? '').toLowerCase();
  return {
    json: header('accept').includes('json'),
    gzip: header('accept-encoding').includes('gzip'),
    compact: header('x-eureka-accept') === 'compact',
  };
}

export function writtenInstance(instance: Instance, { json }: Reads): Written {
  return json ? asJson(instanceJson(instance)) : asXml(instanceXml(instance));
}

export function writtenApplication(application: Application, { json, compact }: Reads): Written {
  return json ? asJson(applicationJson(application, compact)) : asXml(applicationXml(application, compact));
}

export function writtenApplications(applications: Applications, { json, compact }: Reads): Written {
  return json ? asJson(applicationsJson(applications, compact)) : asXml(applicationsXml(applications, compact));
}

export async function send(reply: FastifyReply, written: Written, { gzip }: Reads): Promise<void> {
  void reply.header('content-type', written.type).header('cache-control', 'no-store').header('vary', VARY);
  if (!gzip) return void reply.send(written.body);
  const compressed = await (written.compressed ??= compress(written.body));
  void reply.header('content-encoding', 'gzip').send(compressed);
}

const VARY = 'Accept, Accept-Encoding, X-Eureka-Accept';

function asJson(body: string): Written {
  return { type: 'application/json', body };
}

function asXml(body: string): Written {
  return { type: 'application/xml', body };
}

/**
 * The two answers that many ask for, each in a few forms. One is kept for as long as nothing in it has changed, whoever asks; no
 * time makes it old.
 */
export class SharedAnswers {
  private readonly kept = new WeakMap<Catalogue, Map<string, { state: string; written: Written }>>();

  all(catalogue: Catalogue, reads: Reads): Written {
    return this.shared(catalogue, 'all', String(catalogue.state), reads, () => catalogue.all());
  }

  delta(catalogue: Catalogue, nowMs: number, reads: Reads): Written {
    return this.shared(catalogue, 'delta', catalogue.deltaState(nowMs), reads, () => catalogue.delta(nowMs));
  }

  private shared(catalogue: Catalogue, what: string, state: string, reads: Reads, make: () => Applications): Written {
    let kept = this.kept.get(catalogue);
    if (!kept) this.kept.set(catalogue, (kept = new Map()));
    const key = `${what} ${reads.json} ${reads.compact}`;
    const before = kept.get(key);
    if (before?.state === state) return before.written;
    const written = writtenApplications(make(), reads);
    kept.set(key, { state, written });
    return written;
  }
}
