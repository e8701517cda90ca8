import type { z } from 'zod';
import { CODES, type Code } from '#model';
import { type Content, type RouteDescription, codesOf } from './described.js';
import { type JsonSchema, type Schemas, failureSchema } from './schemas.js';

const JSON_TYPE = 'application/json';

/** The security scheme of what is for admins. */
export const ADMIN_SCHEME = 'admin';

/** What OpenAPI calls an operation: all that the document says of one route. */
export function operationObject(
  route: RouteDescription,
  { id, tag, isForAdmins, schemas }: { id: string; tag: string; isForAdmins: boolean; schemas: Schemas },
): object {
  const { summary, description, path, query, headers, body } = route;
  const parameters = [
    ...parametersOf(path, 'path', schemas),
    ...parametersOf(query, 'query', schemas),
    ...parametersOf(headers, 'header', schemas),
  ];
  return {
    operationId: id,
    summary,
    ...(description === undefined ? {} : { description }),
    tags: [tag],
    ...(isForAdmins ? { security: [{ [ADMIN_SCHEME]: [] }] } : {}),
    parameters,
    ...(body ? { requestBody: { required: !body.optional, ...contentOf(body, schemas) } } : {}),
    responses: { ...answersOf(route, schemas), ...failuresOf(codesOf(route, isForAdmins), schemas) },
  };
}

function parametersOf(object: z.ZodObject | undefined, where: string, schemas: Schemas): object[] {
  if (!object) return [];
  const { properties = {}, required = [] } = schemas.add(object) as {
    properties?: Record<string, JsonSchema>;
    required?: string[];
  };
  return Object.entries(properties).map(([name, { description, example, ...schema }]) => ({
    name,
    in: where,
    required: required.includes(name),
    ...(description === undefined ? {} : { description }),
    schema,
    ...(example === undefined ? {} : { example }),
  }));
}

function answersOf({ answers }: RouteDescription, schemas: Schemas): Record<string, object> {
  return Object.fromEntries(Object.entries(answers).map(([status, content]) => [status, contentOf(content, schemas)]));
}

function contentOf({ description, schema, example, type = JSON_TYPE }: Content, schemas: Schemas): object {
  if (!schema) return { description };
  const content = { schema: schemas.add(schema), ...(example === undefined ? {} : { example }) };
  return { description, content: { [type]: content } };
}

/** One answer a status, which names its codes. */
function failuresOf(codes: readonly Code[], schemas: Schemas): Record<string, object> {
  const byStatus = new Map<number, Code[]>();
  for (const code of codes) byStatus.set(CODES[code].http, [...(byStatus.get(CODES[code].http) ?? []), code]);
  return Object.fromEntries(
    [...byStatus].map(([status, those]) => {
      const description = those.map((code) => `\`${code}\`: ${CODES[code].text}`).join('\n\n');
      const schema = { allOf: [schemas.add(failureSchema), { properties: { code: { enum: those } } }] };
      return [String(status), { description, content: { [JSON_TYPE]: { schema } } }];
    }),
  );
}
