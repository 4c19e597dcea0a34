"""App Service, as far as deploying an image to it needs: sites, their slots, warm-up, swap."""
