import { pythonSystem } from './python.js';

export const system = pythonSystem('python-hotqueue');
