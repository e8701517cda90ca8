import { CODES, type Code, type Retry } from '#model';

const RETRIES: Record<Retry, string> = {
  never: 'no: the same request fails again',
  same: 'yes, on the same server',
  elsewhere: 'yes, on another server',
};

/** docs/errors.md: every code, as the table has it. */
export function errorsMarkdown(): string {
  return `${[HEAD, ...(Object.keys(CODES) as Code[]).map(codeMarkdown)].join('\n\n')}\n`;
}

const HEAD = `# Errors

<!-- Written by \`npm run docs\` from the table of codes (libs/model/src/errors.ts). -->

Whatever fails over HTTP, on any tier, is answered with a JSON body of one shape:

\`\`\`json
{
  "code": "NO_LEADER",
  "message": "The slot has no reachable leader just now.",
  "retryAfterMs": 200,
  "details": { "slot": 97 }
}
\`\`\`

- \`code\` is one of those below. Codes are stable: programs may branch on them. A later version may have more of them.
- \`message\` is for people, and may change.
- \`retryAfterMs\`, where it is there, says when to try again; the header \`Retry-After\` of every 503 says it in whole seconds.
- \`details\` depend on the code. \`details.field\` names the parameter or field that is wrong.

Over RPC the same object is the \`err\` of an answer, and the SDK throws it as a \`RegistryError\`. Which codes a route can answer with
stands in the OpenAPI document of its tier (\`/docs\`, \`/openapi.json\`).`;

function codeMarkdown(code: Code): string {
  const { http, retry, text } = CODES[code];
  return [`## \`${code}\``, text, `- Status over HTTP: ${http}\n- To be tried again: ${RETRIES[retry]}`].join('\n\n');
}
