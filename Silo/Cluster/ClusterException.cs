namespace Builds.Cluster;

/// <summary>The cluster, or its database, cannot be used; the message says why and what to do, and has no password in it.</summary>
public sealed class ClusterException(string message, Exception? inner = null) : Exception(message, inner);
