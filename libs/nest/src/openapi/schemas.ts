import { z } from 'zod';
import { CODES, type Code } from '#model';

export type JsonSchema = Record<string, unknown>;

/** The one shape that errors have. */
export const failureSchema = z
  .object({
    code: z.enum(Object.keys(CODES) as [Code, ...Code[]]).describe('Stable; docs/errors.md tells what each means.'),
    message: z.string().describe('For people. It may change.'),
    retryAfterMs: z.number().optional().describe('When to try again, where that is known.'),
    details: z.record(z.string(), z.unknown()).optional().describe('What the failure is about, such as the `field`.'),
  })
  .meta({ id: 'Failure' });

/** Collects the schemas that have a name (`.meta({ id })`), which the document holds once, and refers to. */
export class Schemas {
  readonly named: Record<string, JsonSchema> = {};

  /** As JSON Schema 2020-12, of which OpenAPI 3.1 is made. */
  add(schema: z.ZodType): JsonSchema {
    // As an input: what has a default may be left out, and a program must not mind what a newer server adds.
    const { $schema: _, $defs = {}, ...own } = z.toJSONSchema(schema, { io: 'input' }) as JsonSchema;
    for (const [name, each] of Object.entries($defs as Record<string, JsonSchema>))
      this.named[name] = inDocument(each) as JsonSchema;
    return inDocument(own) as JsonSchema;
  }
}

const LOCAL = '#/$defs/';

/** References lead into the document, and bounds that every safe integer has are none. */
function inDocument(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inDocument);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).flatMap(([key, each]) => {
    if (key === '$ref' && typeof each === 'string' && each.startsWith(LOCAL))
      return [[key, `#/components/schemas/${each.slice(LOCAL.length)}`]];
    if ((key === 'minimum' || key === 'maximum') && Math.abs(each as number) === Number.MAX_SAFE_INTEGER) return [];
    return [[key, inDocument(each)]];
  });
  return Object.fromEntries(entries) as unknown;
}
