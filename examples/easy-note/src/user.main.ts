import { join } from 'node:path';
import { Controller, Module } from '@nestjs/common';
import { MessagePattern } from '@nestjs/microservices';
import { Records } from './records.js';
import { registeredAs, runService } from './service.js';
import { recordsFolder, USER_SERVICE } from './settings.js';

interface User {
  id: string;
  name: string;
}

@Controller()
class UserController {
  private readonly users = new Records<User>(join(recordsFolder, 'users.jsonl'));

  @MessagePattern('user.create')
  create(user: User): Promise<User> {
    return this.users.add(user);
  }

  @MessagePattern('user.find')
  async find({ id }: { id: string }): Promise<User | null> {
    return (await this.users.all()).find((user) => user.id === id) ?? null;
  }
}

@Module({
  imports: [registeredAs(USER_SERVICE)],
  controllers: [UserController],
})
class UserModule {}

await runService(UserModule, USER_SERVICE);
