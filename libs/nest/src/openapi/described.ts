import type { z } from 'zod';
import type { Code } from '#model';

/** What a request or an answer holds. Without a schema it holds nothing. */
export interface Content {
  description: string;
  /** Objects in it may hold more than is described; what a server answers holds just that, which the tests see to. */
  schema?: z.ZodType;
  /** Of a request it must work as it is on a registry that has just been started. */
  example?: unknown;
  /** Its media type; JSON where nothing is said. */
  type?: string;
}

/**
 * What people and programs are told of a route. It decides nothing: bodies and parameters are checked by the parsers, and who
 * may ask is said elsewhere. A parameter is described by its place in the schema: `.describe(text)` says what it is,
 * `.meta({ example })` what to write, `.default(value)` or `.optional()` that it may be left out.
 */
export interface RouteDescription {
  /** In a few words, what it does. */
  summary: string;
  description?: string;
  path?: z.ZodObject;
  query?: z.ZodObject;
  headers?: z.ZodObject;
  body?: Content & { schema: z.ZodType; optional?: boolean };
  /** By status. */
  answers: Readonly<Record<number, Content>>;
  /** The codes that it can fail with; those that any route has ({@link codesOf}) need not be named. */
  errors?: readonly Code[];
}

const DESCRIPTION = Symbol('RollcallRoute');

/** Where the description of a route is found once somebody asks for it. */
export interface DescriptionSource {
  /** Unique on its tier and stable, since generated clients name the operation after it. */
  id: string;
  load(): Promise<RouteDescription>;
}

/**
 * Describes a route in `/openapi.json`, by what a module exports under the id of the operation. The module is loaded when the
 * document is made, so that descriptions cost a server that starts nothing.
 */
export function Described<Id extends string, Module extends Record<Id, RouteDescription>>(
  module: () => Promise<Module>,
  id: Id,
): MethodDecorator {
  const source: DescriptionSource = { id, load: async () => (await module())[id] };
  return (_target, _key, descriptor) => Reflect.defineMetadata(DESCRIPTION, source, descriptor.value as object);
}

export function descriptionOf(handler: object): DescriptionSource | undefined {
  return Reflect.getMetadata(DESCRIPTION, handler) as DescriptionSource | undefined;
}

/** Every code that a route can fail with. */
export function codesOf({ errors = [], body }: RouteDescription, isForAdmins: boolean): Code[] {
  const ofBodies: Code[] = body ? ['BAD_REQUEST', 'BODY_TOO_LARGE'] : [];
  return [...new Set<Code>([...errors, ...ofBodies, ...(isForAdmins ? (['UNAUTHORIZED'] as const) : []), 'INTERNAL'])];
}

const UNDESCRIBED = Symbol('RollcallUndescribed');

/**
 * Leaves the routes of a controller out of `/openapi.json`, for a reason: they are not this server's own interface.
 */
export function Undescribed(reason: string): ClassDecorator {
  return (controller) => Reflect.defineMetadata(UNDESCRIBED, reason, controller);
}

export function isUndescribed(controller: object): boolean {
  return Reflect.hasMetadata(UNDESCRIBED, controller);
}
