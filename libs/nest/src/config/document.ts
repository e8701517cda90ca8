import { LEAVES, type Leaf, SECTIONS } from './environment.js';

/** docs/configuration.md: every setting, as the schema has it. */
export function configurationMarkdown(): string {
  const sections = [...SECTIONS].map(([name, { description }]) => {
    const own = LEAVES.filter(({ path }) => path[0] === name);
    return [`## ${name}`, description!, ...own.map(settingMarkdown)].join('\n\n');
  });
  return `${[HEAD, ...sections].join('\n\n')}\n`;
}

const HEAD = `# Settings

<!-- Written by \`npm run docs\` from the schema (libs/nest/src/config/schema.ts). -->

Settings come from one YAML file, named by \`--config\` or \`ROLLCALL_CONFIG\`, and from environment variables, which win. One file
serves every process of a cluster: each reads the section of its tier, and those that concern all. Nothing has to be set.
[rollcall.example.yaml](../rollcall.example.yaml) is a file with all settings and their defaults.

- Whatever is wrong or unknown is named when a server starts, all at once: the setting, its value, the rule, and where the value
  came from. \`rollcall config check FILE\` says the same without starting one.
- \`--print-config\` of a server shows what counts, and where each value came from, and starts nothing.
- A setting \`session.limits.graceMs\` stands in the file as \`graceMs\` below \`limits\` below \`session\`.
- In a variable, a list is separated by commas; one that is empty counts as not set.`;

function settingMarkdown({ key, variable, about }: Leaf): string {
  const { description, rule, absent } = about;
  const usual = about.default === undefined ? absent : `\`${String(about.default)}\``;
  return [
    `### \`${key}\``,
    description!,
    [`- Variable: \`${variable}\``, `- Rule: ${rule!.replace(/^must be /, '')}`, `- Default: ${usual ?? 'none'}`].join(
      '\n',
    ),
  ].join('\n\n');
}
