import { XMLParser, XMLValidator } from 'fast-xml-parser';
import { Unreadable } from './read-instance.js';
import { keyOf } from './xml-names.js';

/** An instance takes some two or three thousand bytes, and four levels. */
export const XML_BOUNDS = { chars: 64 * 1024, depth: 16 } as const;

const parser = new XMLParser({
  ...{ preserveOrder: true, ignoreAttributes: false, attributeNamePrefix: '', ignoreDeclaration: true },
  ...{ parseTagValue: false, parseAttributeValue: false, trimValues: false, ignorePiTags: true },
  ...{ processEntities: false, maxNestedTags: XML_BOUNDS.depth },
  ...{ cdataPropName: '#cdata', onDangerousProperty: (name: string) => name },
});

/** An element in order: its name with its children, a text, or its attributes under `:@`. */
type Node = Record<string, unknown>;

/**
 * The instance in a body of XML, in the shape of the JSON. No document type is read, so no entity but XML's own five and numbers
 * of characters means anything.
 * @throws Unreadable
 */
export function instanceOfXml(body: string): unknown {
  if (body.length > XML_BOUNDS.chars) throw new Unreadable(`The XML has more than ${XML_BOUNDS.chars} characters.`);
  if (/<!(DOCTYPE|ENTITY)/i.test(body)) throw new Unreadable('The XML has a document type, which is not read.');
  try {
    const isWellFormed = XMLValidator.validate(body);
    if (isWellFormed !== true) throw new Unreadable(isWellFormed.err.msg);
    const [root, ...others] = (parser.parse(body) as Node[]).filter((node) => !('#text' in node));
    if (others.length > 0 || !root || nameOf(root) !== 'instance') throw new Unreadable('it is no <instance>');
    return fields(childrenOf(root));
  } catch (error) {
    throw new Unreadable(`cannot parse request body: ${(error as Error).message}`);
  }
}

const MAPS = new Set(['metadata']);

function fields(nodes: Node[], areKeys = false): Record<string, unknown> {
  const read: [string, unknown][] = [];
  for (const node of nodes) {
    const name = nameOf(node);
    if (name === undefined) continue;
    const children = childrenOf(node);
    const inner = children.some((child) => nameOf(child) !== undefined) || MAPS.has(name);
    const value = inner && !areKeys ? fields(children, MAPS.has(name)) : textOf(children);
    const enabled = attributesOf(node)['enabled'];
    const isPort = !areKeys && enabled !== undefined;
    read.push([areKeys ? keyOf(name) : name, isPort ? { $: value, '@enabled': decoded(enabled) } : value]);
  }
  return Object.fromEntries(read);
}

function nameOf(node: Node): string | undefined {
  return Object.keys(node).find((key) => key !== ':@' && !key.startsWith('#'));
}

function childrenOf(node: Node): Node[] {
  return node[nameOf(node)!] as Node[];
}

function attributesOf(node: Node): Record<string, string> {
  return (node[':@'] ?? {}) as Record<string, string>;
}

function textOf(nodes: Node[]): string {
  return nodes
    .map(({ '#text': text, '#cdata': verbatim }) => {
      if (Array.isArray(verbatim)) return verbatim.map((node: Node) => String(node['#text'] ?? '')).join('');
      return typeof text === 'string' ? decoded(text) : '';
    })
    .join('');
}

const ENTITIES: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

function decoded(text: string): string {
  return text.replace(/&(?:([#a-z0-9]{1,8});)?/gi, (reference, name = '') => {
    const number = /^#(?:x([0-9a-f]{1,6})|(\d{1,7}))$/i.exec(name);
    const codePoint = number ? Number.parseInt(number[1] ?? number[2]!, number[1] ? 16 : 10) : Number.NaN;
    if (codePoint > 0 && codePoint <= 0x10_ff_ff) return String.fromCodePoint(codePoint);
    if (Object.hasOwn(ENTITIES, name)) return ENTITIES[name]!;
    throw new Unreadable(`${reference} is no entity of XML`);
  });
}
