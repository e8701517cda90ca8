import type { CanActivate, ExecutionContext } from '@nestjs/common';
import { RegistryError, isPlainObject } from '#model';
import { accessOf } from './access.js';
import type { AdminRequests } from '../requests/request-log.js';
import { type AdminTokens, TOKENS_MAX } from './tokens.js';

/** A caller shows one; a server that hands a request on shows all it has, of which another may have dropped some already. */
const SHOWN_MAX = TOKENS_MAX + 1;

/**
 * In front of every route, and of every RPC pattern of operators. A token is shown in the header `Authorization: Bearer
 * <token>`; over RPC, which has no headers, in the field `token` of the payload.
 */
export class AdminGuard implements CanActivate {
  /** @param adminRequests told which requests over HTTP take admin rights, granted or not */
  constructor(
    private readonly tokens: AdminTokens,
    private readonly adminRequests?: AdminRequests,
  ) {}

  canActivate(context: ExecutionContext): boolean | Promise<boolean> {
    const isHttp = context.getType() === 'http';
    const request = isHttp ? context.switchToHttp().getRequest<HttpRequest>() : undefined;
    if (accessOf(context.getHandler(), context.getClass(), request?.method) === 'open') return true;
    if (request) this.adminRequests?.add(request);
    if (!this.tokens.areNeeded) return true;
    return this.demand(request ? inHeader(request) : inPayload(context.switchToRpc().getData()));
  }

  private async demand(shown: readonly string[]): Promise<true> {
    if (await this.tokens.accept(shown)) return true;
    throw new RegistryError('UNAUTHORIZED', shown.length === 0 ? undefined : 'The admin token is none of this server.');
  }
}

interface HttpRequest {
  method: string;
  headers: { authorization?: string };
}

function inHeader({ headers: { authorization = '' } }: HttpRequest): string[] {
  const token = /^Bearer +(\S+) *$/i.exec(authorization)?.[1];
  return token === undefined ? [] : [token];
}

function inPayload(payload: unknown): string[] {
  const { token } = isPlainObject(payload) ? payload : {};
  return (Array.isArray(token) ? token.slice(0, SHOWN_MAX) : [token]).filter((each) => typeof each === 'string');
}
