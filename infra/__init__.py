"""What runs in Azure, as Bicep, and the checks of it that need no Azure."""
