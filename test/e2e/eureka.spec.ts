import { gunzipSync } from 'node:zlib';
import { get } from 'node:http';
import { RegistryClient } from '#client';
import { http } from '../support/http.js';
import { type Tiers, startTiers } from '../support/tiers.js';
import { Watch } from '../support/watch.js';

const JSON_ONLY = { accept: 'application/json' };

function body(fields: object = {}): object {
  return {
    instance: {
      ...{ instanceId: 'i-1', hostName: '10.0.0.1', app: 'SHOP', ipAddr: '10.0.0.1', status: 'UP' },
      ...{ port: { $: 8080, '@enabled': 'true' }, securePort: { $: 443, '@enabled': 'false' } },
      ...{ dataCenterInfo: { '@class': 'x', name: 'MyOwn' }, vipAddress: 'shop', secureVipAddress: 'shop' },
      leaseInfo: { renewalIntervalInSecs: 30, durationInSecs: 60 },
      ...fields,
    },
  };
}

interface Told {
  instanceId: string;
  status: string;
  actionType: string;
  hostName: string;
}

describe('the facade for clients of Eureka', () => {
  let tiers: Tiers;
  let eureka: string;

  beforeAll(async () => {
    tiers = await startTiers();
    eureka = `${tiers.http}/eureka`;
  });
  afterAll(() => tiers.close());

  const register = (app: string, fields: object = {}) =>
    http('POST', `${eureka}/apps/${app}`, body({ app, ...fields }), JSON_ONLY);
  const ask = (path: string, headers: object = JSON_ONLY) => http('GET', `${eureka}/${path}`, undefined, headers);
  const instances = async (path: string): Promise<Told[]> => {
    const { body } = await ask(path);
    return body.applications.application.flatMap(({ instance }: { instance: Told[] }) => instance);
  };
  const ids = async (path: string): Promise<string[]> => (await instances(path)).map(({ instanceId }) => instanceId);
  /** Asks again until it is so; the test ends otherwise when its time is over. */
  const until = async (holds: () => Promise<boolean>): Promise<void> => {
    while (!(await holds()));
  };

  it('registers, renews, and cancels, with the answers of Eureka', async () => {
    const renew = (query = '') => http('PUT', `${eureka}/apps/SHOP/i-1${query}`, undefined, JSON_ONLY);
    expect((await renew()).status).toBe(404);
    expect((await http('DELETE', `${eureka}/apps/SHOP/i-1`)).status).toBe(404);
    expect((await ask('apps/SHOP')).status).toBe(404);
    expect(await register('SHOP', { lastDirtyTimestamp: '10' })).toMatchObject({ status: 204, body: undefined });
    expect((await renew('?status=UP&lastDirtyTimestamp=10')).status).toBe(200);
    for (const type of ['application/json', 'application/xml', 'application/x-www-form-urlencoded'])
      expect(
        (await fetch(`${eureka}/apps/SHOP/i-1`, { method: 'PUT', headers: { 'content-type': type } })).status,
      ).toBe(200);
    const { body: app } = await ask('apps/shop');
    expect(app.application).toMatchObject({ name: 'SHOP', instance: [{ instanceId: 'i-1', status: 'UP' }] });
    expect(app.application.instance[0].leaseInfo.durationInSecs).toBe(60);
    expect((await ask('apps/SHOP/i-1')).body.instance).toMatchObject({ port: { $: 8080, '@enabled': 'true' } });
    expect((await ask('apps/SHOP/i-2')).status).toBe(404);
    await until(async () => (await ids('apps')).includes('i-1'));
    // The client has changed since, and its registration has not come.
    expect((await renew('?lastDirtyTimestamp=11')).status).toBe(404);
    expect((await http('DELETE', `${eureka}/apps/SHOP/i-1`)).status).toBe(200);
    expect((await ask('apps/SHOP')).status).toBe(404);
    expect((await renew()).status).toBe(404);
  });

  it('lets a registration end whose client does not renew it', async () => {
    await register('BRIEF', { leaseInfo: { durationInSecs: 1 } });
    const watch = await Watch.open(tiers.http, 'dataId=brief');
    await watch.until(({ data }) => data.join() === 'http://10.0.0.1:8080');
    await watch.until(({ data }) => data.length === 0);
    watch.close();
    await until(async () => (await ask('apps/BRIEF')).status === 404);
  });

  it('shows its instances to native subscribers, and native publications to its clients', async () => {
    const client = new RegistryClient({ seeds: [tiers.session.rpcAddress] });
    const seen: string[][] = [];
    client.subscribe({ dataId: 'both' }, ({ publishers }) => {
      seen.push(publishers.flatMap(({ data }) => data));
    });
    await register('BOTH', { metadata: { version: '1.2' } });
    await until(async () => (await ask('apps/BOTH')).status === 200 && seen.at(-1)?.length === 1);
    expect(seen.at(-1)).toEqual(['http://10.0.0.1:8080?version=1.2']);
    await until(async () => (await ids('apps')).includes('i-1'));
    const publisher = await client.publish({ dataId: 'both', data: ['tcp://10.0.0.7:4000?weight=3'] });
    await until(async () => (await ids('apps/delta')).includes(publisher.registerId));
    const { body: all } = await ask('vips/both');
    expect(all.applications.application[0].instance).toMatchObject([
      { hostName: '10.0.0.7', app: 'BOTH', status: 'UP', metadata: { weight: '3', protocol: 'tcp' } },
    ]);
    await publisher.unpublish();
    await until(async () => (await ids('apps')).every((id) => id !== publisher.registerId));
    expect(await instances('apps/delta')).toContainEqual(
      expect.objectContaining({ instanceId: publisher.registerId, actionType: 'DELETED' }),
    );
    await client.close();
  });

  it('names what is not in lower case so that it is found', async () => {
    await http('POST', `${tiers.http}/v1/publishers`, { dataId: 'OrderService', data: ['http://10.0.0.9:1'] });
    await until(async () => (await ask('apps/~ORDER~SERVICE')).status === 200);
    await until(async () => (await instances('apps')).some(({ hostName }) => hostName === '10.0.0.9'));
    expect((await ask('vips/OrderService')).body.applications.apps__hashcode).toBe('UP_1_');
  });

  it('has a status set and taken back, and keeps it while the instance registers again', async () => {
    const status = (method: string, query = '') => http(method, `${eureka}/apps/PAUSED/i-1/status${query}`);
    expect((await status('PUT', '?value=OUT_OF_SERVICE')).status).toBe(404);
    await register('PAUSED');
    expect((await status('PUT', '?value=OUT_OF_SERVICE')).status).toBe(200);
    const told = async () => (await ask('apps/PAUSED/i-1')).body.instance;
    expect(await told()).toMatchObject({ status: 'OUT_OF_SERVICE', overriddenStatus: 'OUT_OF_SERVICE' });
    const data = async () => (await http('GET', `${tiers.http}/v1/datums?dataId=paused`)).body.publishers[0].data;
    expect(await data()).toEqual([]);
    await register('PAUSED');
    expect(await told()).toMatchObject({ status: 'OUT_OF_SERVICE' });
    expect((await status('DELETE')).status).toBe(200);
    expect(await told()).toMatchObject({ status: 'UP', overriddenStatus: 'UNKNOWN' });
    expect(await data()).toEqual(['http://10.0.0.1:8080']);
    expect((await status('PUT', '?value=AWAY')).status).toBe(400);
    expect((await http('PUT', `${eureka}/apps/PAUSED/i-1/metadata?a=1&b=2&a=3`)).status).toBe(200);
    expect((await told()).metadata).toEqual({ a: '1', b: '2' });
    expect((await http('PUT', `${eureka}/apps/PAUSED/none/metadata?a=1`)).status).toBe(404);
  });

  it('has XML for who does not ask for JSON, takes XML, and compresses for who reads that', async () => {
    const xml =
      '<?xml version="1.0"?><instance><instanceId>x-1</instanceId><hostName>10.0.0.2</hostName><app>XML</app>' +
      '<ipAddr>10.0.0.2</ipAddr><status>UP</status><port enabled="true">81</port><dataCenterInfo class="x"><name>MyOwn' +
      '</name></dataCenterInfo><metadata><a__b>c &amp; d</a__b></metadata><vipAddress>xml</vipAddress></instance>';
    const sent = await http('POST', `${eureka}/v2/apps/XML`, xml, { 'content-type': 'application/xml' });
    expect(sent).toMatchObject({ status: 204 });
    expect((await ask('apps/XML/x-1')).body.instance.metadata).toEqual({ a_b: 'c & d' });
    await until(async () => (await ids('v2/apps')).includes('x-1'));
    const answer = await ask('apps/', { accept: '*/*' });
    expect(answer.headers.get('content-type')).toContain('application/xml');
    expect(answer.body).toMatch(/^<applications><versions__delta>1<\/versions__delta><apps__hashcode>/);
    expect(answer.body).toContain('<a__b>c &amp; d</a__b>');
    const compact = await ask('apps/XML', { ...JSON_ONLY, 'x-eureka-accept': 'compact' });
    expect(compact.body.application.instance[0]).not.toHaveProperty('metadata');
    const bytes = await new Promise<Buffer[]>((resolve, reject) =>
      get(
        `${eureka}/apps/delta`,
        { headers: { 'accept-encoding': 'gzip', accept: 'application/json' } },
        (response) => {
          expect(response.headers['content-encoding']).toBe('gzip');
          response.toArray().then(resolve, reject);
        },
      ),
    );
    expect(JSON.parse(gunzipSync(Buffer.concat(bytes)).toString())).toHaveProperty('applications.versions__delta');
  });

  it('finds instances by id, and knows the same by every way to ask', async () => {
    await register('FOUND', { instanceId: 'found-1', secureVipAddress: 'a,found-s' });
    await until(async () => (await ask('instances/found-1')).status === 200);
    expect(await ids('svips/found-s')).toEqual(['found-1']);
    expect(await ids('vips/nobody')).toEqual([]);
    expect((await ask('instances/none')).status).toBe(404);
    const [all, delta] = await Promise.all([ask('apps'), ask('apps/delta')]);
    expect(delta.body.applications.apps__hashcode).toBe(all.body.applications.apps__hashcode);
  });

  const bomb = '<!DOCTYPE i [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><instance><app>&b;</app></instance>';
  it.each([
    ['no instance', {}, 'cannot parse'],
    ['no host', body({ app: 'BAD', hostName: '' }), 'Missing hostname'],
    ['no address', body({ app: 'BAD', ipAddr: undefined }), 'Missing ip address'],
    ['no application', body({ app: undefined }), 'Missing appName'],
    ['no data center', body({ app: 'BAD', dataCenterInfo: undefined }), 'Missing dataCenterInfo'],
    ['another application', body({ app: 'GOOD' }), 'Mismatched appName, expecting BAD but was GOOD'],
    ['JSON that is cut off', '{"instance":{', ''],
    ['XML of entities', bomb, 'document type'],
    ['XML that is deep', '<instance>'.repeat(5_000), 'cannot parse'],
    ['XML that is cut off', '<instance><app>BAD</app>', 'cannot parse'],
  ])('refuses what registers with %s', async (_, sent, message) => {
    const type = typeof sent === 'string' && sent.startsWith('<') ? 'application/xml' : 'application/json';
    const answer = await http('POST', `${eureka}/apps/BAD`, sent, { 'content-type': type });
    expect(answer).toMatchObject({ status: 400, body: { code: 'BAD_REQUEST' } });
    expect(answer.body.message).toContain(message);
    expect((await ask('apps/BAD')).status).toBe(404);
  });

  it('refuses other kinds of bodies, names that are none, and what is too large', async () => {
    const text = await http('POST', `${eureka}/apps/BAD`, 'instance', { 'content-type': 'text/html' });
    expect(text).toMatchObject({ status: 415, body: { code: 'BAD_REQUEST' } });
    expect(await register('A~')).toMatchObject({ status: 400 });
    expect(await register('BAD', { instanceId: 'x'.repeat(600) })).toMatchObject({ status: 400 });
    const metadata = { k: 'x'.repeat(300_000) };
    expect(await register('BAD', { metadata })).toMatchObject({ status: 413, body: { code: 'DATA_TOO_LARGE' } });
  });

  it('touches no publication but those that came over it', async () => {
    const native = { dataId: 'native', registerId: 'mine', data: ['http://10.0.0.3:1'] };
    const { body: published } = await http('POST', `${tiers.http}/v1/publishers`, native);
    const { body: app } = await ask('apps/NATIVE');
    expect(app.application.instance[0].instanceId).toBe(published.registerId);
    const path = `${eureka}/apps/NATIVE/${encodeURIComponent(published.registerId)}`;
    for (const [method, way] of [
      ['PUT', ''],
      ['DELETE', ''],
      ['PUT', '/status?value=DOWN'],
    ] as const)
      expect((await http(method, path + way)).status).toBe(404);
    expect((await ask('apps/NATIVE')).status).toBe(200);
  });
});

describe('without the facade', () => {
  it('there is no such route', async () => {
    const tiers = await startTiers({ ROLLCALL_SESSION_EUREKA_ENABLED: 'false' });
    expect((await http('GET', `${tiers.http}/eureka/apps`)).status).toBe(404);
    await tiers.close();
  });
});
