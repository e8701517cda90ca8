import { type CustomDecorator, SetMetadata, type Type } from '@nestjs/common';

/** `open`: for everybody who reaches the port. `admin`: for who has an admin token, where the server has any. */
export type Access = 'open' | 'admin';

const ACCESS = 'rollcall:access';

/**
 * Says who may ask for what a route or an RPC pattern does, or all of a controller. Most need not say anything: what reads
 * over HTTP is open, and everything else is for admins. `open` is for what applications do for themselves, such as to
 * register, and for what only reads over RPC; `admin` for a read that hands out more than is for everybody.
 */
export function Access(access: Access): CustomDecorator {
  return SetMetadata(ACCESS, access);
}

/**
 * The word of the handler, else that of its controller, else the rule.
 * @param method of HTTP; undefined over RPC
 */
// oxlint-disable-next-line typescript/no-unsafe-function-type -- a handler is whatever Nest says it is
export function accessOf(handler: Function, controller: Type, method: string | undefined): Access {
  const said = [handler, controller].map((target) => Reflect.getMetadata(ACCESS, target) as Access | undefined);
  return said[0] ?? said[1] ?? (method === 'GET' || method === 'HEAD' ? 'open' : 'admin');
}
