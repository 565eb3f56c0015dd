// tsc copies no .lua files; the package needs them beside the compiled broker.
import { cpSync } from 'node:fs';

cpSync('src/redis/scripts', 'dist/redis/scripts', { recursive: true });
