import { Body, Controller, Delete, Get, HttpCode, Inject, Param, Post, Put, Query, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { type Applications, type Catalogue, givenStatus, instanceOfXml } from '#eureka';
import { RegistryError, isPlainObject } from '#model';
import { Access, Undescribed } from '#nest';
import { SharedAnswers, readsOf, send, writtenApplication, writtenApplications, writtenInstance } from './answers.js';
import { AppsWatch } from './apps-watch.js';
import { EurekaRegistry, readable } from './eureka-registry.js';

/** The REST interface of Eureka, for its clients as they are: docs/eureka.md tells what differs. */
@Access('open')
@Undescribed('It is the interface of Eureka, whose clients bring their own; what it answers is XML or JSON of Eureka.')
@Controller(['eureka', 'eureka/v2'])
export class EurekaController {
  private readonly shared = new SharedAnswers();

  constructor(
    @Inject(EurekaRegistry) private readonly registry: EurekaRegistry,
    @Inject(AppsWatch) private readonly watch: AppsWatch,
  ) {}

  @Get('apps')
  async all(@Req() { headers }: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const reads = readsOf(headers);
    await send(reply, this.shared.all(await this.watch.current(), reads), reads);
  }

  @Get('apps/delta')
  async delta(@Req() { headers }: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const reads = readsOf(headers);
    await send(reply, this.shared.delta(await this.watch.current(), this.watch.nowMs, reads), reads);
  }

  @Get('vips/:vip')
  vip(@Param('vip') vip: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.some(request, reply, (catalogue) => catalogue.byVip('vipAddress', vip));
  }

  @Get('svips/:vip')
  svip(@Param('vip') vip: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.some(request, reply, (catalogue) => catalogue.byVip('secureVipAddress', vip));
  }

  @Get('instances/:id')
  async byId(@Param('id') id: string, @Req() { headers }: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const reads = readsOf(headers);
    const instance = (await this.watch.current()).find(id);
    if (!instance) throw new RegistryError('NOT_REGISTERED', `There is no instance ${id}.`);
    await send(reply, writtenInstance(instance, reads), reads);
  }

  @Get('apps/:app')
  async app(@Param('app') app: string, @Req() { headers }: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const reads = readsOf(headers);
    await send(reply, writtenApplication(await this.registry.application(app), reads), reads);
  }

  @Get('apps/:app/:id')
  async instance(
    @Param('app') app: string,
    @Param('id') id: string,
    @Req() { headers }: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const reads = readsOf(headers);
    await send(reply, writtenInstance(await this.registry.instance(app, id), reads), reads);
  }

  @Post('apps/:app')
  @HttpCode(204)
  register(@Param('app') app: string, @Body() body: unknown): Promise<void> {
    const fields = typeof body === 'string' ? readable(() => instanceOfXml(body)) : inEnvelope(body);
    return this.registry.register(app, fields);
  }

  @Put('apps/:app/:id')
  renew(
    @Param('app') app: string,
    @Param('id') id: string,
    @Query('lastDirtyTimestamp') lastDirtyTimestamp: unknown,
  ): Promise<void> {
    const at = Number(lastDirtyTimestamp);
    return this.registry.renew(app, id, Number.isSafeInteger(at) ? at : undefined);
  }

  @Delete('apps/:app/:id')
  cancel(@Param('app') app: string, @Param('id') id: string): Promise<void> {
    return this.registry.cancel(app, id);
  }

  @Put('apps/:app/:id/status')
  setStatus(@Param('app') app: string, @Param('id') id: string, @Query('value') value: unknown): Promise<void> {
    return this.registry.setStatus(
      app,
      id,
      readable(() => givenStatus(value)),
    );
  }

  @Delete('apps/:app/:id/status')
  removeStatus(@Param('app') app: string, @Param('id') id: string, @Query('value') value: unknown): Promise<void> {
    const status = value === undefined ? undefined : readable(() => givenStatus(value));
    return this.registry.removeStatus(app, id, status);
  }

  @Put('apps/:app/:id/metadata')
  addMetadata(@Param('app') app: string, @Param('id') id: string, @Query() query: object): Promise<void> {
    const entries = Object.entries(query).map(([key, value]) => [key, String(Array.isArray(value) ? value[0] : value)]);
    return this.registry.addMetadata(app, id, Object.fromEntries(entries) as Record<string, string>);
  }

  private async some(
    { headers }: FastifyRequest,
    reply: FastifyReply,
    choose: (catalogue: Catalogue) => Applications,
  ): Promise<void> {
    const reads = readsOf(headers);
    await send(reply, writtenApplications(choose(await this.watch.current()), reads), reads);
  }
}

/** Eureka's JSON has the name of what it is around it. */
function inEnvelope(body: unknown): unknown {
  return isPlainObject(body) ? body['instance'] : undefined;
}
