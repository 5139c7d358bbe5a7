global using ClusterMember = Builds.Cluster.ClusterMember;
