import { describeFiles } from '../fixtures/files.js';

describeFiles(process.platform === 'linux' ? 'thread' : 'absolute-paths');
