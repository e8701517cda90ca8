import type { Application, Applications, Instance, Port } from './instance.js';
import { COMPACT_FIELDS, EMPTY_MAP_CLASS, dataCenterClass, instanceObject } from './write-json.js';
import { elementName } from './xml-names.js';

export function instanceXml(instance: Instance): string {
  return written('instance', text(instance, false));
}

export function applicationXml(application: Application, isCompact: boolean): string {
  return bareApplication(application, isCompact);
}

export function applicationsXml({ versionsDelta, hashCode, applications }: Applications, isCompact: boolean): string {
  const list = applications.map((application) => bareApplication(application, isCompact)).join('');
  return written(
    'applications',
    written('versions__delta', String(versionsDelta)) + written('apps__hashcode', escaped(hashCode)) + list,
  );
}

function bareApplication({ name, instances }: Application, isCompact: boolean): string {
  const list = instances.map((instance) => written('instance', text(instance, isCompact))).join('');
  return written('application', written('name', escaped(name)) + list);
}

const whole = new WeakMap<Instance, string>();
const compact = new WeakMap<Instance, string>();

function text(instance: Instance, isCompact: boolean): string {
  const known = isCompact ? compact : whole;
  let xml = known.get(instance);
  if (xml === undefined) known.set(instance, (xml = write(instance, isCompact)));
  return xml;
}

/** The fields of the JSON under the same names, but for one that has kept its old spelling. */
function write(instance: Instance, isCompact: boolean): string {
  const special: Record<string, () => string> = {
    overriddenStatus: () => written('overriddenstatus', instance.overriddenStatus),
    port: () => port('port', instance.port),
    securePort: () => port('securePort', instance.securePort),
    dataCenterInfo: () => dataCenter(instance),
    leaseInfo: () => written('leaseInfo', fields(instance.leaseInfo)),
    metadata: () => map('metadata', instance.metadata),
  };
  return Object.entries(instanceObject(instance))
    .filter(([name]) => !isCompact || COMPACT_FIELDS.has(name))
    .map(([name, value]) => special[name]?.() ?? written(name, escaped(String(value))))
    .join('');
}

function port(name: string, { number, isEnabled }: Port): string {
  return `<${name} enabled="${isEnabled}">${number}</${name}>`;
}

function dataCenter({ dataCenterInfo: { name, metadata } }: Instance): string {
  const inner = written('name', name) + (metadata ? map('metadata', metadata) : '');
  return `<dataCenterInfo class="${dataCenterClass(name)}">${inner}</dataCenterInfo>`;
}

function map(name: string, values: Readonly<Record<string, string>>): string {
  const inner = fields(values);
  return inner === '' ? `<${name} class="${EMPTY_MAP_CLASS}"/>` : written(name, inner);
}

function fields(values: object): string {
  return Object.entries(values)
    .filter(([name]) => name !== '')
    .map(([name, value]) => written(elementName(name), escaped(String(value))))
    .join('');
}

function written(name: string, inner: string): string {
  return inner === '' ? `<${name}/>` : `<${name}>${inner}</${name}>`;
}

const ESCAPES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', '\r': '&#13;' };
/** XML has no way to write these. */
// eslint-disable-next-line no-control-regex -- they are what is left out
const UNWRITABLE = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|\p{Surrogate}/gu;

function escaped(value: string): string {
  return value.replace(/[&<>"\r]/g, (char) => ESCAPES[char]!).replace(UNWRITABLE, '\ufffd');
}
