import { Ajv2020 } from 'ajv/dist/2020.js';
import type { OpenAPIObject } from '@nestjs/swagger';
import { type Answer, http } from './http.js';

/** An operation as the document tells it. */
export interface Operation {
  id: string;
  method: string;
  path: string;
  parameters: { name: string; in: 'path' | 'query' | 'header'; required: boolean; example?: unknown }[];
  requestBody?: { content: Record<string, { example?: unknown }> };
  responses: Record<string, { content?: Record<string, object> }>;
}

/** What a call says otherwise than the examples of the document. Undefined leaves a parameter or the body out. */
export interface Said {
  parameters?: Record<string, string | number | string[] | undefined>;
  body?: unknown;
}

/** A server as a program knows it that has nothing but its `/openapi.json`. */
export class Api {
  private readonly ajv = new Ajv2020({ strict: false, allErrors: true, validateFormats: false });

  private constructor(
    readonly base: string,
    readonly document: OpenAPIObject,
    readonly operations: ReadonlyMap<string, Operation>,
    private readonly addresses: Readonly<Record<string, string>>,
  ) {
    this.ajv.addSchema(strictly(document) as object, 'document');
  }

  /** @param addresses which servers have here, by those of `npm start`, which examples name */
  static async read(address: string, addresses: Readonly<Record<string, string>> = {}): Promise<Api> {
    const base = `http://${address}`;
    const { status, body } = await http('GET', `${base}/openapi.json`);
    if (status !== 200) throw new Error(`There is no document: ${status} ${JSON.stringify(body)}`);
    const document = body as OpenAPIObject;
    const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods as Record<string, Operation & { operationId: string }>).map(
        ([method, operation]): [string, Operation] => [
          operation.operationId,
          { ...operation, id: operation.operationId, method, path },
        ],
      ),
    );
    return new Api(base, document, new Map(operations), addresses);
  }

  /** The request that the examples of the document make. */
  request(
    id: string,
    said: Said = {},
  ): { method: string; url: string; headers: Record<string, string>; body: unknown } {
    const { method, path, parameters, requestBody } = this.operation(id);
    const values = parameters.map(({ name, in: where, example }) => ({
      ...{ name, where },
      value: said.parameters && name in said.parameters ? said.parameters[name] : this.here(example),
    }));
    const of = (where: string) =>
      values.flatMap((each) => (each.where === where && each.value !== undefined ? [each] : []));
    const query = of('query').flatMap(({ name, value }) =>
      [value].flat().map((one) => [name, String(one)] as [string, string]),
    );
    const filled = of('path').reduce(
      (url, { name, value }) => url.replace(`{${name}}`, encodeURIComponent(String(value))),
      path,
    );
    return {
      method: method.toUpperCase(),
      url: `${this.base}${filled}${query.length === 0 ? '' : `?${new URLSearchParams(query).toString()}`}`,
      headers: Object.fromEntries(of('header').map(({ name, value }) => [name, String(value)])),
      body: 'body' in said ? said.body : this.here(requestBody?.content['application/json']?.example),
    };
  }

  /** Its answer, which is one of those that the document has for it. */
  async call(id: string, said: Said = {}): Promise<Answer> {
    const { method, url, headers, body } = this.request(id, said);
    const isStream = 'text/event-stream' in (this.operation(id).responses['200']?.content ?? {});
    const answer = await (isStream ? beginning(url, headers) : http(method, url, body, headers));
    this.check(id, answer);
    return answer;
  }

  check(id: string, { status, headers, body }: Answer): void {
    const { responses, path, method } = this.operation(id);
    const told = responses[status];
    if (!told) throw new Error(`${id} answers ${status}, of which the document knows nothing: ${JSON.stringify(body)}`);
    const [type] = Object.keys(told.content ?? {});
    const sent = headers.get('content-type')?.split(';')[0];
    if (sent !== type) throw new Error(`${id} answers ${status} with ${sent}, described as ${type}.`);
    if (type !== 'application/json') return;
    const pointer = ['paths', path, method, 'responses', status, 'content', type, 'schema'].map(escaped).join('/');
    this.matches(`document#/${pointer}`, body, `${id} answers ${status}`);
  }

  /** What the document says to send is what it says can be sent. */
  checkExample(id: string): void {
    const { path, method, requestBody } = this.operation(id);
    const example = requestBody?.content['application/json']?.example;
    if (example === undefined) return;
    const pointer = ['paths', path, method, 'requestBody', 'content', 'application/json', 'schema'];
    this.matches(`document#/${pointer.map(escaped).join('/')}`, example, `the example of ${id}`);
  }

  /** One of no operation. */
  checkFailure(body: unknown): void {
    this.matches('document#/components/schemas/Failure', body, 'a failure is');
  }

  private here(example: unknown): unknown {
    if (example === undefined) return undefined;
    let text = JSON.stringify(example);
    for (const [usual, address] of Object.entries(this.addresses)) text = text.replaceAll(usual, address);
    return JSON.parse(text);
  }

  private matches($ref: string, value: unknown, what: string): void {
    const validate = this.ajv.compile({ $ref });
    if (!validate(value))
      throw new Error(
        `${what} otherwise than described: ${this.ajv.errorsText(validate.errors)}: ${JSON.stringify(value)}`,
      );
  }

  private operation(id: string): Operation {
    const operation = this.operations.get(id);
    if (!operation) throw new Error(`The document has no operation ${id}.`);
    return operation;
  }
}

/** Of a stream that goes on: what comes first. */
async function beginning(url: string, headers: Record<string, string>): Promise<Answer> {
  const { status, headers: sent, body } = await fetch(url, { headers });
  const reader = body!.pipeThrough(new TextDecoderStream()).getReader();
  const { value } = await reader.read();
  await reader.cancel();
  return { status, headers: sent, body: value };
}

function escaped(part: string | number): string {
  return encodeURIComponent(String(part).replaceAll('~', '~0').replaceAll('/', '~1'));
}

/** What a server answers today holds nothing that the document does not tell. */
function strictly(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(strictly);
  if (typeof value !== 'object' || value === null) return value;
  const schema = Object.fromEntries(Object.entries(value).map(([key, each]) => [key, strictly(each)])) as Record<
    string,
    unknown
  >;
  const isClosed = schema['type'] === 'object' && 'properties' in schema && !('additionalProperties' in schema);
  return isClosed ? { ...schema, additionalProperties: false } : schema;
}
