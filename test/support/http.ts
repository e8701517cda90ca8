export interface Answer {
  status: number;
  headers: Headers;
  // oxlint-disable-next-line typescript/no-explicit-any -- the tests read answers as a stranger's program would
  body: any;
}

/** One HTTP exchange with a JSON body each way. A string body is sent as it is. */
export async function http(method: string, url: string, body?: unknown, headers = {}): Promise<Answer> {
  const sent =
    body === undefined
      ? { headers }
      : {
          body: typeof body === 'string' ? body : JSON.stringify(body),
          headers: { 'content-type': 'application/json', ...headers },
        };
  const response = await fetch(url, { method, ...sent });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: read(text, response.headers) };
}

function read(text: string, headers: Headers): unknown {
  if (text === '') return undefined;
  return headers.get('content-type')?.startsWith('application/json') ? JSON.parse(text) : text;
}
