import { Controller, Inject } from '@nestjs/common';
import { MessagePattern, Payload } from '@nestjs/microservices';
import { RegistryError, isPlainObject } from '#model';
import { Access } from '#nest';
import { type StateChanged, readChange, readConsistency, readQuery } from '#registry';
import { readIdempotencyKey } from '../http/idempotency-key.js';
import { canonicalAddress } from '../state/address.js';
import { StateAdministration } from '../state/administration.js';

/**
 * Configuration values for programs, on any meta server: what `/v1/config/{key}` does, over RPC. The fields of a request are
 * those of its path, body and query; `idempotencyKey` and `token` are the headers.
 */
@Controller()
export class ConfigRpcController {
  constructor(@Inject(StateAdministration) private readonly state: StateAdministration) {}

  @MessagePattern('meta.config.get')
  @Access('open')
  get(@Payload() payload: unknown): Promise<object> {
    const { key, token: _token, ...consistency } = fieldsOf(payload);
    return this.state.read(readQuery({ of: 'config', key }), readConsistency(consistency));
  }

  @MessagePattern('meta.config.set')
  set(@Payload() payload: unknown): Promise<StateChanged> {
    return this.change('setConfig', payload);
  }

  @MessagePattern('meta.config.delete')
  delete(@Payload() payload: unknown): Promise<StateChanged> {
    return this.change('deleteConfig', payload);
  }

  private change(type: 'setConfig' | 'deleteConfig', payload: unknown): Promise<StateChanged> {
    const { idempotencyKey, token: _token, ...fields } = fieldsOf(payload);
    const change = readChange({ ...fields, type }, { canonicalAddress });
    return this.state.change(change, readIdempotencyKey(idempotencyKey as string | undefined));
  }
}

function fieldsOf(payload: unknown): Record<string, unknown> {
  if (isPlainObject(payload)) return payload;
  throw new RegistryError('BAD_REQUEST', 'The payload must be an object.');
}
