import 'reflect-metadata';
import { Access, accessOf } from './access.js';

class Plain {
  read(): void {}
  @Access('admin')
  backup(): void {}
  @Access('open')
  register(): void {}
}

@Access('open')
class OfClients {
  publish(): void {}
  @Access('admin')
  removeAll(): void {}
}

describe('who may ask for what a handler does', () => {
  const plain = new Plain();
  const ofClients = new OfClients();

  it.each(['GET', 'HEAD'])('is everybody for what reads over HTTP (%s), unless it says otherwise', (method) => {
    expect(accessOf(plain.read, Plain, method)).toBe('open');
    expect(accessOf(plain.backup, Plain, method)).toBe('admin');
  });

  it.each(['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', undefined])(
    'is who has a token for everything else (%s), unless it says otherwise',
    (method) => {
      expect(accessOf(plain.read, Plain, method)).toBe('admin');
      expect(accessOf(plain.register, Plain, method)).toBe('open');
      expect(accessOf(ofClients.publish, OfClients, method)).toBe('open');
      expect(accessOf(ofClients.removeAll, OfClients, method)).toBe('admin');
    },
  );
});
