import { describeFiles } from '../fixtures/files.js';

describeFiles('absolute-paths');
