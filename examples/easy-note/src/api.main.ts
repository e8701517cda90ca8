import 'reflect-metadata';
import { randomUUID } from 'node:crypto';
import {
  BadRequestException,
  Body,
  Controller,
  Get,
  Headers,
  Inject,
  Module,
  NotFoundException,
  Param,
  Post,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { type ClientProxy, ClientsModule } from '@nestjs/microservices';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { firstValueFrom } from 'rxjs';
import { RegistryClient } from '#client';
import { type BalancerName, DiscoveredClient, RegistryHealthIndicator } from '#nest';
import { registeredAs } from './service.js';
import { API_SERVICE, NOTE_SERVICE, port, USER_SERVICE } from './settings.js';

/**
 * Every record carries an id that the caller chose (its idempotency key) or that is made here, and the services keep
 * one record per id: so a request that may have reached a server that died can be sent again.
 */
const discovered = (name: string, balancer: BalancerName) => ({
  name,
  inject: [RegistryClient],
  useFactory: (registry: RegistryClient) => ({
    customClass: DiscoveredClient,
    options: {
      ...{ registry, dataId: name, balancer, isIdempotent: () => true },
      keyOf: (_pattern: unknown, data: unknown) => (data as { id?: string }).id,
    },
  }),
});

@Controller()
class ApiController {
  constructor(
    @Inject(USER_SERVICE) private readonly users: ClientProxy,
    @Inject(NOTE_SERVICE) private readonly notes: ClientProxy,
    @Inject(RegistryHealthIndicator) private readonly registry: RegistryHealthIndicator,
  ) {}

  /** An application that has terminus says health.check([() => registry.check()]) instead. */
  @Get('health')
  health(): Promise<object> {
    return this.registry.check();
  }

  @Post('users')
  createUser(@Body() body: { name?: string }, @Headers('idempotency-key') key?: string): Promise<object> {
    if (!body?.name) throw new BadRequestException('name is missing');
    return firstValueFrom(this.users.send<object>('user.create', { id: key ?? randomUUID(), name: body.name }));
  }

  @Post('notes')
  async createNote(
    @Body() body: { userId?: string; text?: string },
    @Headers('idempotency-key') key?: string,
  ): Promise<object> {
    if (!body?.userId || !body.text) throw new BadRequestException('userId or text is missing');
    await this.mustKnow(body.userId);
    const note = { id: key ?? randomUUID(), userId: body.userId, text: body.text };
    return firstValueFrom(this.notes.send<object>('note.create', note));
  }

  @Get('users/:id/notes')
  async listNotes(@Param('id') userId: string): Promise<object[]> {
    await this.mustKnow(userId);
    return firstValueFrom(this.notes.send<object[]>('note.list', { userId }));
  }

  private async mustKnow(userId: string): Promise<void> {
    const user = await firstValueFrom(this.users.send<object | null>('user.find', { id: userId }));
    if (!user) throw new NotFoundException(`no user ${userId}`);
  }
}

@Module({
  imports: [
    registeredAs(API_SERVICE),
    // Requests about one user go to one instance; notes go to whichever is less busy.
    ClientsModule.registerAsync([discovered(USER_SERVICE, 'consistent-hash'), discovered(NOTE_SERVICE, 'two-choices')]),
  ],
  controllers: [ApiController],
})
class ApiModule {}

const app = await NestFactory.create<NestFastifyApplication>(ApiModule, new FastifyAdapter(), {
  logger: ['error', 'warn'],
});
app.enableShutdownHooks();
await app.listen(port, '127.0.0.1');
console.log(`easy-note.api listens on ${await app.getUrl()}`);
