import { type Failure, RegistryError, checkName, failure } from '#model';

export type Fields = Record<string, unknown>;

/** What an operator hands in is refused by a thrown RegistryError, which every edge can answer. */
export function refuse(message: string, field?: string): never {
  throw new RegistryError('BAD_REQUEST', message, field === undefined ? {} : { details: { field } });
}

export function check(problem: Failure | undefined): void {
  if (problem) throw RegistryError.from(problem);
}

/** @throws RegistryError BAD_REQUEST for what is no map, and for fields that mean nothing: a misspelt one must not pass */
export function readFields(value: unknown, what: string, known: readonly string[], advice = ''): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) refuse(`${what} must be an object.`);
  const unknown = Object.keys(value).find((field) => !known.includes(field));
  if (unknown !== undefined)
    refuse(`${what} has a field ${JSON.stringify(unknown)}; it may have ${known.join(', ')}.${advice}`, unknown);
  return value as Fields;
}

export function readKey(value: unknown): string {
  check(checkName('key', value));
  return value as string;
}

/** A member, by its incarnation or its address. */
export function readServer(value: unknown): string {
  check(checkName('server', value));
  return value as string;
}

export function readFlag(field: string, value: unknown): boolean {
  return typeof value === 'boolean' ? value : refuse(`${field} must be true or false.`, field);
}

/** A count as JSON or a query string has it. */
export function readCount(field: string, value: unknown): number {
  const count = typeof value === 'string' && /^\d{1,16}$/.test(value) ? Number(value) : value;
  if (!Number.isSafeInteger(count) || (count as number) < 0) refuse(`${field} must be a whole number.`, field);
  return count as number;
}

export function notFound(message: string): RegistryError {
  return RegistryError.from(failure('NOT_FOUND', message));
}
