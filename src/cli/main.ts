#!/usr/bin/env node
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { projectCommand } from './project-command.js';

// Imports late: if the project has a command of its own, this copy of the library must not be loaded.
const command = projectCommand(process.cwd(), path.resolve(import.meta.dirname, '../..'));
await (command === undefined ? import('./run-program.js') : import(pathToFileURL(command).href));
