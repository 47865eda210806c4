// Azurite's telemetry, 201 MB of it, replaced by nothing. It is told not to use it anyway.
module.exports = {};
