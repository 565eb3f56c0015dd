// Copies the Lua scripts next to the compiled broker, because tsc does not copy .lua files.
import { cpSync } from 'node:fs';

cpSync('src/redis/scripts', 'dist/redis/scripts', { recursive: true });
