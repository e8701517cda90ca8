import { join } from 'node:path';
import { Controller, Module } from '@nestjs/common';
import { MessagePattern } from '@nestjs/microservices';
import { Records } from './records.js';
import { registeredAs, runService } from './service.js';
import { NOTE_SERVICE, recordsFolder } from './settings.js';

interface Note {
  id: string;
  userId: string;
  text: string;
}

@Controller()
class NoteController {
  private readonly notes = new Records<Note>(join(recordsFolder, 'notes.jsonl'));

  @MessagePattern('note.create')
  async create(note: Note): Promise<Note & { servedBy: number }> {
    return { ...(await this.notes.add(note)), servedBy: process.pid };
  }

  @MessagePattern('note.list')
  async list({ userId }: { userId: string }): Promise<Note[]> {
    return (await this.notes.all()).filter((note) => note.userId === userId);
  }
}

@Module({
  imports: [registeredAs(NOTE_SERVICE)],
  controllers: [NoteController],
})
class NoteModule {}

await runService(NoteModule, NOTE_SERVICE);
