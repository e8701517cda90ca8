import type { Configuration, Entry } from '#consensus';

/** Appends `value`, which nothing else ever appends, to the list of a key. */
export interface Command {
  client: string;
  sequence: number;
  key: string;
  value: string;
}

/** `length`: of the list once the value was in it. */
export type Outcome = { status: 'applied' | 'repeated'; length: number } | { status: 'superseded' | 'none' };

interface Image {
  index: number;
  term: number;
  digest: number;
  configuration: Configuration;
  lists: [key: string, values: string[]][];
  clients: [client: string, last: { sequence: number; length: number }][];
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export function encodeCommand({ client, sequence, key, value }: Command): Uint8Array {
  return encoder.encode([client, sequence, key, value].join('\t'));
}

export function decodeCommand(payload: Uint8Array): Command {
  const [client = '', sequence = '', key = '', value = ''] = decoder.decode(payload).split('\t');
  return { client, sequence: Number(sequence), key, value };
}

/**
 * Lists by key, with what each client was answered last: the same (client, sequence) counts once. `digest` goes over
 * everything ever applied, so that two machines that took different ways to the same index differ.
 */
export class ListMachine {
  index = 0;
  term = 0;
  digest = 0;
  readonly lists = new Map<string, string[]>();
  readonly clients = new Map<string, { sequence: number; length: number }>();

  constructor(public configuration: Configuration) {}

  apply(entry: Entry): Outcome {
    this.index = entry.index;
    this.term = entry.term;
    this.digest = mix(mix(this.digest, entry.index), entry.term);
    if (entry.kind === 'configuration') this.configuration = entry.configuration;
    if (entry.kind !== 'command') return { status: 'none' };
    for (const byte of entry.payload) this.digest = mix(this.digest, byte);
    const { client, sequence, key, value } = decodeCommand(entry.payload);
    const last = this.clients.get(client);
    if (last?.sequence === sequence) return { status: 'repeated', length: last.length };
    if (last && last.sequence > sequence) return { status: 'superseded' };
    const list = this.lists.get(key) ?? [];
    list.push(value);
    this.lists.set(key, list);
    this.clients.set(client, { sequence, length: list.length });
    return { status: 'applied', length: list.length };
  }

  encode(): Uint8Array {
    const { index, term, digest, configuration } = this;
    const image: Image = {
      ...{ index, term, digest, configuration },
      lists: [...this.lists],
      clients: [...this.clients],
    };
    return encoder.encode(JSON.stringify(image));
  }

  /** @throws SyntaxError for half a snapshot */
  static decode(bytes: Uint8Array): ListMachine {
    const image = JSON.parse(decoder.decode(bytes)) as Image;
    const machine = new ListMachine(image.configuration);
    machine.index = image.index;
    machine.term = image.term;
    machine.digest = image.digest;
    for (const [key, values] of image.lists) machine.lists.set(key, values);
    for (const [client, last] of image.clients) machine.clients.set(client, last);
    return machine;
  }
}

function mix(digest: number, value: number): number {
  return Math.imul(digest ^ value, 0x01000193) ^ (digest >>> 15);
}
