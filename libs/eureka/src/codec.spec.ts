import * as fc from 'fast-check';
import { XMLValidator } from 'fast-xml-parser';
import type { Applications } from './instance.js';
import { anyInstance, body, instance } from './instance.harness.js';
import { Unreadable, readInstance } from './read-instance.js';
import { XML_BOUNDS, instanceOfXml } from './read-xml.js';
import { applicationJson, applicationsJson, instanceJson } from './write-json.js';
import { applicationXml, applicationsXml, instanceXml } from './write-xml.js';

const ofJson = (text: string) => readInstance((JSON.parse(text) as { instance: unknown }).instance);

describe('instances as Eureka writes them', () => {
  it('come back from JSON and from XML as they were', () => {
    fc.assert(
      fc.property(anyInstance, (each) => {
        expect(ofJson(instanceJson(each))).toEqual(each);
        expect(XMLValidator.validate(instanceXml(each))).toBe(true);
        expect(readInstance(instanceOfXml(instanceXml(each)))).toEqual(each);
      }),
    );
  });

  it('have the shapes that clients in Java read', () => {
    const user = instance({ metadata: { instance_id: 'a$b' }, leaseInfo: { durationInSecs: 5 } });
    const all: Applications = {
      ...{ versionsDelta: 1, hashCode: 'UP_1_' },
      applications: [{ name: 'USER', instances: [user] }],
    };
    expect(JSON.parse(applicationsJson(all, false))).toEqual({
      applications: {
        versions__delta: '1',
        apps__hashcode: 'UP_1_',
        application: [
          {
            name: 'USER',
            instance: [
              {
                ...{ instanceId: 'host-1:user:8080', hostName: 'host-1', app: 'USER', ipAddr: '10.0.0.1' },
                ...{ status: 'UP', overriddenStatus: 'UNKNOWN', countryId: 1 },
                port: { $: 8080, '@enabled': 'true' },
                securePort: { $: 443, '@enabled': 'false' },
                dataCenterInfo: { '@class': 'com.netflix.appinfo.InstanceInfo$DefaultDataCenterInfo', name: 'MyOwn' },
                leaseInfo: {
                  ...{ renewalIntervalInSecs: 30, durationInSecs: 5, registrationTimestamp: 0 },
                  ...{ lastRenewalTimestamp: 0, evictionTimestamp: 0, serviceUpTimestamp: 0 },
                },
                ...{ metadata: { instance_id: 'a$b' }, vipAddress: 'user', isCoordinatingDiscoveryServer: 'false' },
                ...{ lastUpdatedTimestamp: '0', lastDirtyTimestamp: '0', actionType: 'ADDED' },
              },
            ],
          },
        ],
      },
    });
    const xml = applicationsXml(all, false);
    expect(xml).toMatch(/^<applications><versions__delta>1<.*><apps__hashcode>UP_1_<.*><application><name>USER</);
    expect(xml).toContain('<port enabled="true">8080</port><securePort enabled="false">443</securePort>');
    expect(xml).toContain('<overriddenstatus>UNKNOWN</overriddenstatus>');
    expect(xml).toContain(
      '<dataCenterInfo class="com.netflix.appinfo.InstanceInfo$DefaultDataCenterInfo"><name>MyOwn</name></dataCenterInfo>',
    );
    expect(xml).toContain('<metadata><instance__id>a$b</instance__id></metadata>');
    expect(instanceXml(instance())).toContain('<metadata class="java.util.Collections$EmptyMap"/>');
    expect(instanceJson(instance())).toContain('"metadata":{"@class":"java.util.Collections$EmptyMap"}');
    expect(applicationsXml({ versionsDelta: 1, hashCode: '', applications: [] }, false)).toContain('<apps__hashcode/>');
  });

  it('are cut down for who asks for the compact form', () => {
    const app = { name: 'USER', instances: [instance({ metadata: { a: 'b' } })] };
    const [small] = (JSON.parse(applicationJson(app, true)) as { application: { instance: object[] } }).application
      .instance;
    expect(Object.keys(small!)).toEqual([
      ...['instanceId', 'hostName', 'app', 'ipAddr', 'status', 'port', 'securePort', 'dataCenterInfo', 'vipAddress'],
      ...['lastUpdatedTimestamp', 'actionType'],
    ]);
    expect(applicationXml(app, true)).not.toMatch(/metadata|leaseInfo|overridden|countryId/);
    expect(applicationXml(app, false)).toContain('<metadata><a>b</a></metadata>');
  });

  it('are read from what other clients send: numbers as strings, ports alone, no instance of a name', () => {
    const read = instance({
      ...{
        instanceId: undefined,
        app: 'User',
        status: 'WRONG',
        port: '81',
        securePort: { $: '444', '@enabled': true },
      },
      ...{ overriddenstatus: 'DOWN', countryId: null, leaseInfo: { durationInSecs: '7', renewalIntervalInSecs: -1 } },
      metadata: { n: 1, b: true, o: {}, '@class': 'x' },
    });
    expect(read).toMatchObject({
      ...{ instanceId: 'host-1', app: 'USER', status: 'UNKNOWN', overriddenStatus: 'DOWN', countryId: 1 },
      ...{ port: { number: 81, isEnabled: true }, securePort: { number: 444, isEnabled: true } },
      leaseInfo: { durationInSecs: 7, renewalIntervalInSecs: 30 },
    });
    expect({ ...read.metadata }).toEqual({ n: '1', b: 'true' });
    const amazon = { name: 'Amazon', metadata: { 'instance-id': 'i-1' } };
    expect(instance({ instanceId: '', dataCenterInfo: amazon }).instanceId).toBe('i-1');
    expect(instance({ port: undefined, securePort: undefined })).toMatchObject({
      ...{ port: { number: 7001, isEnabled: true }, securePort: { number: 7002, isEnabled: false } },
    });
  });

  it.each([
    [{ instanceId: '', hostName: '' }, 'Missing instanceId'],
    [{ hostName: undefined }, 'Missing hostname'],
    [{ ipAddr: null }, 'Missing ip address'],
    [{ app: '' }, 'Missing appName'],
    [{ dataCenterInfo: undefined }, 'Missing dataCenterInfo'],
    [{ dataCenterInfo: {} }, 'Missing dataCenterInfo Name'],
    [{ dataCenterInfo: { name: 'Elsewhere' } }, 'dataCenterInfo has the name Elsewhere'],
    [{ port: { $: 70_000 } }, 'cannot parse request body'],
  ])('are refused without what they need: %j', (fields, message) => {
    expect(() => readInstance(body(fields))).toThrow(message);
    expect(() => readInstance(body(fields))).toThrow(Unreadable);
  });

  it.each([null, [], 'x', 1, undefined, new Date()])('are no %j', (value) => {
    expect(() => readInstance(value)).toThrow(Unreadable);
  });
});

describe('XML from strangers', () => {
  const bomb = '<!DOCTYPE i [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><instance><app>&b;</app></instance>';

  it.each([
    ['a document type', bomb],
    ['an entity of its own', '<instance><app>&b;</app></instance>'],
    ['an entity of HTML', '<instance><app>&nbsp;</app></instance>'],
    ['a bare ampersand', '<instance><app>a & b</app></instance>'],
    ['a character that is none', '<instance><app>&#1114112;</app></instance>'],
    ['depth', `<instance>${'<a>'.repeat(2 * XML_BOUNDS.depth)}${'</a>'.repeat(2 * XML_BOUNDS.depth)}</instance>`],
    ['size', `<instance><app>${'x'.repeat(XML_BOUNDS.chars)}</app></instance>`],
    ['an end that is missing', '<instance><app>x</app>'],
    ['a tag that is not closed', '<instance><app>x</instance>'],
    ['another root', '<application><name>x</name></application>'],
    ['two roots', '<instance/><instance/>'],
    ['a name that means something to JavaScript', '<instance><__proto__><a>1</a></__proto__></instance>'],
    ['no XML', '{"instance":{}}'],
    ['nothing', ''],
  ])('is refused for %s', (_, text) => {
    expect(() => instanceOfXml(text)).toThrow(Unreadable);
  });

  it('may hold characters by number, and text verbatim', () => {
    const text =
      '<?xml version="1.0" encoding="UTF-8"?>\n<!-- a comment -->\n<instance>\n <app>&#85;S&#x45;R &amp; &lt;CO&gt;</app>\n' +
      ' <hostName><![CDATA[a&b]]></hostName><metadata><valueOf>x</valueOf><toString>y</toString></metadata></instance>\n';
    const read = instanceOfXml(text) as Record<string, Record<string, string>>;
    expect(read).toMatchObject({ app: 'USER & <CO>', hostName: 'a&b' });
    expect(Object.entries(read['metadata']!)).toEqual([
      ['valueOf', 'x'],
      ['toString', 'y'],
    ]);
  });

  it('is answered at once, whatever it is', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'<>/&;!-[]=" aI'), maxLength: 200 }), (text) => {
        expect(() => instanceOfXml(text)).toThrow(Unreadable);
      }),
    );
  });
});
