import { ClientProxyFactory, Transport } from '@nestjs/microservices';
import { firstValueFrom } from 'rxjs';
import { RpcConnection } from '#client';
import { RollcallSocket } from './rollcall-socket.js';
import { RawPeer, startServer } from './transport.harness.js';

// For 127.0.0.1, signed by itself, good for a hundred years, and worth nothing.
const cert = `-----BEGIN CERTIFICATE-----
MIIBnDCCAUGgAwIBAgIUXkCybeCPCjJRFmfx0sCtEQShId0wCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyMzIyMDQyOFoYDzIxMjYxMDMw
MjIwNDI4WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAATv3VpPpWCDctqXY7fgY3jyssocAJdqrzrlPV+nWsy8wEAKxKGoAyre
eFEZs1w9RsPgP6iaDUKu2vSWOYhtonLho28wbTAdBgNVHQ4EFgQUl6Zzbpo6JrUO
pt26Oa6R1ZF6d4YwHwYDVR0jBBgwFoAUl6Zzbpo6JrUOpt26Oa6R1ZF6d4YwDwYD
VR0TAQH/BAUwAwEB/zAaBgNVHREEEzARhwR/AAABgglsb2NhbGhvc3QwCgYIKoZI
zj0EAwIDSQAwRgIhAKWTQWeoff5jlKYE9ZfWQJ8b93vfoh63xFuSxjO9kD8EAiEA
6G695lyHk+a6IRq5gUZwJ/cTgqtPiIBNr3lm8T2F4dc=
-----END CERTIFICATE-----`;
const key = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg1XiCl5uhVAQst8mJ
o2B+enUb0YTVhdng/SVP1Fw6wHKhRANCAATv3VpPpWCDctqXY7fgY3jyssocAJdq
rzrlPV+nWsy8wEAKxKGoAyreeFEZs1w9RsPgP6iaDUKu2vSWOYhtonLh
-----END PRIVATE KEY-----`;

async function startTls(options: { requestCert?: boolean } = {}): ReturnType<typeof startServer> {
  return startServer([], {
    tlsOptions: { cert, key, ca: [cert], rejectUnauthorized: true, ...options },
    beforeListen: (server) => server.addHandler('echo', async (data: unknown) => data as never),
  });
}

describe('over TLS', () => {
  it('the SDK and a stock ClientProxy talk to the server, and who speaks in the clear does not', async () => {
    const { app, port } = await startTls();
    const connection = await RpcConnection.connect({ host: '127.0.0.1', port, tls: { ca: [cert] } });
    const large = 'x'.repeat(300_000);
    expect(await connection.request('echo', large)).toBe(large);
    connection.close();

    const client = ClientProxyFactory.create({
      transport: Transport.TCP,
      options: { host: '127.0.0.1', port, socketClass: RollcallSocket, tlsOptions: { ca: [cert] } },
    });
    expect(await firstValueFrom(client.send('echo', 'stock'))).toBe('stock');
    await client.close();

    const clear = new RawPeer(port);
    clear.send({ pattern: 'echo', data: 1, id: 1 });
    await clear.closed;
    expect(clear.received).toEqual([]);
    await app.close();
  });

  it('a client checks the server, and a server that asks for certificates its clients', async () => {
    const { app, port } = await startTls({ requestCert: true });
    await expect(RpcConnection.connect({ host: '127.0.0.1', port, tls: {} })).rejects.toMatchObject({
      code: 'CONNECTION_CLOSED',
    });
    const known = await RpcConnection.connect({ host: '127.0.0.1', port, tls: { ca: [cert], cert, key } });
    expect(await known.request('echo', 1)).toBe(1);
    known.close();
    // With TLS 1.3 the handshake ends for the client before the server has judged it.
    const stranger = await RpcConnection.connect({ host: '127.0.0.1', port, tls: { ca: [cert] } });
    await expect(stranger.request('echo', 1)).rejects.toMatchObject({ code: 'CONNECTION_CLOSED' });
    await app.close();
  });
});
