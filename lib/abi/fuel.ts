/**
 * What operations on ranges cost beyond their own unit: code charges for some of them, runtime calls for the others.
 *
 * Their bounds are checked first, then this is taken, then they run (BULK-1): an operation out of bounds traps for that, however little
 * fuel there is.
 */

/** Bytes of memory, and elements of tables and arrays, that cost as much as an operation: their binary logarithms. */
export const FUEL_BYTES_LOG2 = 6, FUEL_ELEMENTS_LOG2 = 3;
