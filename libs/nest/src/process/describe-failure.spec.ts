import { createServer } from 'node:net';
import { RegistryError } from '#model';
import { describeFailure } from './describe-failure.js';

/** No settings but the defaults. */
const sources = { env: {}, argv: [] };

const systemError = (fields: object): Error => Object.assign(new Error('system'), fields);

describe('failures of the operator, in one line', () => {
  it('says which port is in use, by the real error of the system', async () => {
    const holder = createServer();
    await new Promise<void>((resolve) => holder.listen(0, '127.0.0.1', resolve));
    const { port } = holder.address() as { port: number };
    const second = createServer();
    const error = await new Promise((resolve) => second.once('error', resolve).listen(port, '127.0.0.1'));
    holder.close();
    expect(describeFailure(error, sources)).toBe(
      `port ${port} on 127.0.0.1 is in use: stop what listens there, or choose another port. (EADDRINUSE)`,
    );
  });

  it('names the variable of a port it knows', () => {
    const error = systemError({ code: 'EADDRINUSE', address: '127.0.0.1', port: 9603 });
    expect(describeFailure(error, sources)).toContain('choose another port (ROLLCALL_SESSION_HTTP_PORT)');
    const env = { ROLLCALL_META_RPC_PORT: '9603' };
    expect(describeFailure(error, { env, argv: [] })).toContain('ROLLCALL_META_RPC_PORT or ROLLCALL_SESSION_HTTP_PORT');
  });

  it.each([
    ['a port for root only', systemError({ code: 'EACCES', address: '127.0.0.1', port: 80 }), 'port above 1023'],
    [
      'a foreign host',
      systemError({ code: 'EADDRNOTAVAIL', address: '10.1.1.1', port: 1 }),
      '10.1.1.1 is not an address',
    ],
    ['a folder of others', systemError({ code: 'EACCES', path: '/root/x' }), '/root/x cannot be written'],
    [
      'a locked store',
      new RegistryError('STORE_LOCKED', 'data/meta is in use.'),
      'data/meta is in use. (STORE_LOCKED)',
    ],
    ['a wrong setting', new RegistryError('INVALID_CONFIGURATION', 'a is wrong'), 'a is wrong (INVALID_CONFIGURATION)'],
    [
      'a cause inside',
      new Error('outer', { cause: new RegistryError('STORE_FAILED', 'The folder /x cannot be read.') }),
      'The folder /x cannot be read. (STORE_FAILED)',
    ],
  ])('tells what to do about %s', (_, error, line) => {
    expect(describeFailure(error, sources)).toContain(line);
    expect(describeFailure(error, sources)).not.toContain('\n');
  });

  it('leaves defects to their stack', () => {
    expect(describeFailure(new TypeError('x is undefined'))).toBeUndefined();
    expect(describeFailure(new RegistryError('INTERNAL'), sources)).toBeUndefined();
    expect(describeFailure('text')).toBeUndefined();
  });
});
